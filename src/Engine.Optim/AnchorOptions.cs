using System.IO.Enumeration;
using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>Where anchors are kept: one float32 a parameter is a quarter of what Adam-SPD keeps besides the weights.</summary>
public enum AnchorStorage
{
    /// <summary>In float32 beside the weights, read in the step's own pass.</summary>
    Device,

    /// <summary>
    /// Beside the weights in bfloat16: half the memory. Weights that were bfloat16 before training lose nothing; others are held to a
    /// rounded anchor, which <see cref="ParameterArena.AnchorRounding"/> measures.
    /// </summary>
    BFloat16,

    /// <summary>In the host's memory, sent to the device part by part in each step.</summary>
    Host,

    /// <summary>Nowhere: read part by part from <see cref="AnchorOptions.Source"/>, a memory-mapped checkpoint.</summary>
    Mapped,
}

/// <summary>Which parameters have an anchor, that is, a pre-trained value worth staying close to, and where it is kept.</summary>
public sealed record AnchorOptions
{
    /// <summary>Names that have none, with <c>*</c> for any characters and <c>?</c> for one: <c>head.*</c>, <c>*.bias</c>.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>
    /// Anchor parameters to their random start too (<see cref="Parameter.IsFresh"/>), as the official script does with a new head.
    /// </summary>
    public bool IncludeFresh { get; init; }

    /// <summary>True: adapters (<see cref="Parameter.ZeroAnchor"/>) are anchored at their present values instead of at zero.</summary>
    public bool AdaptersAtStart { get; init; }

    /// <summary>Where the anchors are kept.</summary>
    public AnchorStorage Storage { get; init; }

    /// <summary>For <see cref="AnchorStorage.Mapped"/>: a parameter's pre-trained values by its name, in any floating type, on the host or not.</summary>
    public Func<string, Tensor?>? Source { get; init; }

    /// <summary>Elements that are fetched at once where the anchors do not lie beside the weights in float32; a larger parameter is a part of its own.</summary>
    public int PartLength { get; init; } = 1 << 22;

    internal bool Anchors(Parameter parameter)
    {
        foreach (string pattern in Exclude)
            if (Matches(pattern, parameter.Name)) return false;
        return parameter.ZeroAnchor || IncludeFresh || !parameter.IsFresh;
    }

    internal bool AtZero(Parameter parameter) => parameter.ZeroAnchor && !AdaptersAtStart;

    internal static bool Matches(string pattern, string name) =>
        FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);
}
