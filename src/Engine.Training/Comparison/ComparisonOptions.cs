namespace Engine.Training;

/// <summary>What a <see cref="MethodComparison"/> tries.</summary>
public sealed record ComparisonOptions
{
    /// <summary>The methods, each with the values of its knob; the first is what the others are compared with.</summary>
    public required IReadOnlyList<(ComparedMethod Method, IReadOnlyList<double> Values)> Methods { get; init; }

    /// <summary>Seeds: each has its own order of batches and its own new head, the same for all methods.</summary>
    public IReadOnlyList<ulong> Seeds { get; init; } = [1, 2, 3];

    /// <summary>The recipe that all methods share: rate, epochs, schedule.</summary>
    public required TrainingOptions Training { get; init; }
}

/// <summary>One training of a comparison.</summary>
/// <param name="Method">How.</param>
/// <param name="Value">The value of its knob.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Mixtures">What is mixed from its weights afterwards: a method and its values.</param>
/// <param name="Reported">False if it is trained for its mixtures alone.</param>
public sealed record ComparedTraining(ComparedMethod Method, double Value, ulong Seed, IReadOnlyList<(ComparedMethod Method, IReadOnlyList<double> Values)> Mixtures, bool Reported)
{
    /// <summary>The outcomes that come of it, by method, value and seed.</summary>
    public IEnumerable<(string Method, double Value, ulong Seed)> Outcomes =>
        (Reported ? [(Method.Name, Value, Seed)] : Enumerable.Empty<(string, double, ulong)>())
        .Concat(Mixtures.SelectMany(mixture => mixture.Values.Select(value => (mixture.Method.Name, value, Seed))));

    /// <summary>In a few words, for progress lines: <c>adam-spd lambda 0.5, seed 2</c>.</summary>
    public string Label => FormattableString.Invariant($"{Method.Name}{(Method.Knob is null ? "" : $" {Method.Knob} {Value}")}, seed {Seed}");
}
