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

    /// <summary>
    /// Side of a Swin transformer's windows in patches. The relative position biases are resampled to the new windows,
    /// bicubically, as the paper's authors do; other models have no windows and refuse it.
    /// </summary>
    public int? WindowSize { get; init; }

    /// <summary>Dropout while training; see <see cref="VitConfig.Dropout"/>.</summary>
    public float Dropout { get; init; }

    /// <summary>Stochastic depth while training; see <see cref="VitConfig.DropPath"/>.</summary>
    public float DropPath { get; init; }

    /// <summary>
    /// True to make a segmentation model of a classifier: <see cref="UperNet"/> on its backbone, with fresh heads for
    /// <see cref="Classes"/>, saved as Hugging Face saves it. It needs a model that shows an image at several scales, as Swin does.
    /// </summary>
    public bool Segmentation { get; init; }
}
