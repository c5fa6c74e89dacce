using Engine.Models;

namespace Engine.Training;

/// <summary>One way to fine-tune in a <see cref="MethodComparison"/>: what it changes in a run that all methods share, and its one knob.</summary>
/// <param name="Name">What tables and options call it: <c>adam-spd</c>.</param>
/// <param name="Knob">What its knob is called, <c>lambda</c>; null if it has none.</param>
/// <param name="Values">The values of the knob that are tried where nobody names others; none without a knob.</param>
/// <param name="Source">Where the method is from.</param>
public sealed record ComparedMethod(string Name, string? Knob, IReadOnlyList<double> Values, string Source)
{
    /// <summary>What the method changes in the options that all share, for a value of its knob (0 without one).</summary>
    public required Func<TrainingOptions, double, TrainingOptions> Train { get; init; }

    /// <summary>What is done to the task before it is trained: adapters, a probe; null for nothing.</summary>
    internal Func<ComparedRun, ComparedRun>? Prepare { get; init; }

    /// <summary>The method whose trained weights this one mixes with those all began with, by the share its knob says: one training serves all. Null for methods that train.</summary>
    public string? Mixes { get; init; }
}

/// <summary>A training that a method is about to change.</summary>
/// <param name="Task">Model and batches.</param>
/// <param name="Options">How it is trained.</param>
sealed record ComparedRun(TrainingTask Task, TrainingOptions Options)
{
    /// <summary>The adapters, where the method trains some.</summary>
    public AdapterSet? Adapters { get; init; }

    /// <summary>Hears what happens in a first phase.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>Stops a first phase.</summary>
    public CancellationToken Cancellation { get; init; }
}
