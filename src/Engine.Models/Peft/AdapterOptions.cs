namespace Engine.Models;

/// <summary>Which biases are trained beside the adapters.</summary>
public enum AdapterBias
{
    /// <summary>None.</summary>
    None,

    /// <summary>All of the model's.</summary>
    All,

    /// <summary>Those of the adapted layers.</summary>
    AdaptedOnly,
}

/// <summary>What all kinds of adapters have in common: where they go, and what is trained beside them.</summary>
public abstract record AdapterOptions
{
    /// <summary>
    /// The linear layers to adapt. Each is a full name in the model (<c>blocks.3.attn.qkv</c>), a pattern with <c>*</c> and
    /// <c>?</c> (<c>*.attn.qkv</c>), the end of a name (<c>qkv</c>, <c>mlp.fc1</c>), or any of these in the names of the library
    /// that the checkpoint came from (<c>q_proj</c>). <c>all-linear</c> is every linear layer but the head. Where that library
    /// keeps queries, keys and values apart and the model has them fused, <c>q</c>, <c>k</c> and <c>v</c> are rows of the fused
    /// layer.
    /// </summary>
    public required IReadOnlyList<string> Targets { get; init; }

    /// <summary>The share of the adapter's input that is dropped while training, from 0 to below 1.</summary>
    public float Dropout { get; init; }

    /// <summary>Which biases are trained too.</summary>
    public AdapterBias Bias { get; init; }

    /// <summary>Train the head too, as a new one has to be.</summary>
    public bool TrainHead { get; init; }

    /// <summary>Further parameters to train and to save with the adapters, by name or pattern: <c>norm.*</c>.</summary>
    public IReadOnlyList<string> AlsoTrain { get; init; } = [];

    /// <summary>The adapter of a layer.</summary>
    /// <param name="layer">The layer, which has no adapter yet.</param>
    /// <param name="sites">What of it is adapted: all of it, or some of its rows each for themselves.</param>
    internal abstract LinearAdapter Build(Linear layer, IReadOnlyList<AdapterSite> sites);

    /// <summary>Refuses values that make no sense.</summary>
    internal virtual void Validate()
    {
        if (Targets.Count == 0) throw new ArgumentException("Adapters: no targets; name linear layers, such as 'qkv'.");
        if (!(Dropout is >= 0 and < 1)) throw new ArgumentException(FormattableString.Invariant($"Adapters: the dropout is {Dropout}, not from 0 to below 1."));
    }

    /// <summary>A number that must be positive.</summary>
    private protected static void Positive(double value, string what)
    {
        if (!(value > 0) || !double.IsFinite(value)) throw new ArgumentException(FormattableString.Invariant($"Adapters: the {what} is {value}; it must be above 0."));
    }
}
