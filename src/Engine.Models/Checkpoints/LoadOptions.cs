using Engine.Tensors;

namespace Engine.Models;

/// <summary>What a caller may ask of a model beyond what its folder says.</summary>
public sealed record LoadOptions
{
    /// <summary>Where the parameters go; the default device if null.</summary>
    public Device? Device { get; init; }

    /// <summary>Whether weights that are stored in 16 bits are widened, or stay as they are, frozen and mapped.</summary>
    public WeightPrecision Weights { get; init; }

    /// <summary>What a fresh head, dropout and drop path are drawn from.</summary>
    public ulong Seed { get; init; }

    /// <summary>Classes to tell apart. Where the folder's model tells another number apart, its head gives way to a fresh one.</summary>
    public int? Classes { get; init; }

    /// <summary>True for a fresh head in any case: the same number of classes, but others.</summary>
    public bool FreshHead { get; init; }

    /// <summary>
    /// Side of the images, for instance larger ones than the model was trained with. The position embedding is resampled to
    /// the new grid of patches, bicubically, as the vision transformer's authors do.
    /// </summary>
    public int? ImageSize { get; init; }

    /// <summary>Dropout while training; see <see cref="VitConfig.Dropout"/>.</summary>
    public float Dropout { get; init; }

    /// <summary>Stochastic depth while training; see <see cref="VitConfig.DropPath"/>.</summary>
    public float DropPath { get; init; }
}
