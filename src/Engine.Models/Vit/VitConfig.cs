namespace Engine.Models;

/// <summary>What a sequence is summarised by.</summary>
public enum Pooling
{
    /// <summary>The class token after the last norm.</summary>
    ClassToken,

    /// <summary>The mean of the patch tokens, normalised after averaging.</summary>
    Average,
}

/// <summary>The shape of a vision transformer. The defaults are ViT-B/16 at 224 pixels with ImageNet's 1000 classes.</summary>
public sealed partial record VitConfig
{
    // Far beyond any model: a typing error in a file shall end in a message, not in an overflow or in all memory being asked for.
    const int MostPatchesPerSide = 4096, MostWidth = 1 << 20;

    /// <summary>Side of the square images in pixels, a multiple of <see cref="PatchSize"/>.</summary>
    public int ImageSize { get; init; } = 224;

    /// <summary>Side of a patch in pixels.</summary>
    public int PatchSize { get; init; } = 16;

    /// <summary>Channels of the images.</summary>
    public int Channels { get; init; } = 3;

    /// <summary>Width D of the sequence, a multiple of <see cref="Heads"/>.</summary>
    public int Width { get; init; } = 768;

    /// <summary>Number of blocks.</summary>
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads of a block.</summary>
    public int Heads { get; init; } = 12;

    /// <summary>Hidden width of a block's MLP.</summary>
    public int MlpWidth { get; init; } = 3072;

    /// <summary>Classes of the head; 0 for a model without one, whose result is the features.</summary>
    public int Classes { get; init; } = 1000;

    /// <summary>Added to the variance in every layer norm.</summary>
    public float Epsilon { get; init; } = 1e-6f;

    /// <summary>The MLP's nonlinearity.</summary>
    public Activation Activation { get; init; } = Activation.Gelu;

    /// <summary>What the head sees.</summary>
    public Pooling Pooling { get; init; } = Pooling.ClassToken;

    /// <summary>Whether the sequence starts with a class token. Class token pooling needs it.</summary>
    public bool HasClassToken { get; init; } = true;

    /// <summary>Whether the fused projection to queries, keys and values has a bias.</summary>
    public bool QkvBias { get; init; } = true;

    /// <summary>Where the factors of layer scale start; null for a model without layer scale.</summary>
    public float? LayerScale { get; init; }

    /// <summary>
    /// Whether the embedding is normalised before the first block, as CLIP does (Radford et al. 2021, section 2.4); the
    /// patches' projection then has no bias, which the norm would take out again.
    /// </summary>
    public bool PreNorm { get; init; }

    /// <summary>Width of CLIP's image embedding, to which the pooled sequence is projected before the head; null for a model without one.</summary>
    public int? ProjectionWidth { get; init; }

    /// <summary>Dropout while training: after the position embedding, the attention and both MLP layers.</summary>
    public float Dropout { get; init; }

    /// <summary>Stochastic depth of the last block while training; it rises linearly from 0 in the first.</summary>
    public float DropPath { get; init; }

    /// <summary>What the head sees of an image: the width of the embedding, or of the sequence.</summary>
    public int FeatureWidth => ProjectionWidth ?? Width;

    /// <summary>Patches of an image.</summary>
    public int PatchCount => ImageSize / PatchSize * (ImageSize / PatchSize);

    /// <summary>N: patches, and the class token if there is one.</summary>
    public int SequenceLength => PatchCount + (HasClassToken ? 1 : 0);

    /// <summary>This configuration, if a model can be built of it.</summary>
    /// <exception cref="ArgumentException">It cannot; the message says why.</exception>
    public VitConfig Validated()
    {
        Require(Channels > 0 && Depth > 0 && Heads > 0 && MlpWidth > 0, $"channels ({Channels}), depth ({Depth}), heads ({Heads}) and MLP width ({MlpWidth}) must be positive");
        Require(Width > 0 && Width % Heads == 0, $"width {Width} is not a multiple of {Heads} heads");
        Require(PatchSize > 0 && ImageSize > 0 && ImageSize % PatchSize == 0, $"images of {ImageSize} pixels do not divide into patches of {PatchSize}");
        Require(ImageSize / PatchSize <= MostPatchesPerSide && PatchSize <= MostWidth && Channels <= MostWidth && Width <= MostWidth && MlpWidth <= MostWidth && Depth <= MostWidth,
            $"no model is of this size: {this}");
        Require(Classes >= 0, $"{Classes} classes");
        Require(ProjectionWidth is null or (> 0 and <= MostWidth), $"a projection to {ProjectionWidth} numbers");
        Require(Epsilon > 0 && float.IsFinite(Epsilon), $"epsilon {Epsilon} is not a positive number");
        Require(Enum.IsDefined(Activation) && Enum.IsDefined(Pooling), $"no activation {Activation} or no pooling {Pooling}");
        Require(HasClassToken || Pooling != Pooling.ClassToken, "class token pooling needs a class token");
        return this;
    }

    static void Require(bool condition, string problem)
    {
        if (!condition) throw new ArgumentException($"VitConfig: {problem}.");
    }
}
