using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>
/// Vision transformer (Dosovitskiy et al. 2021, "An image is worth 16x16 words"): an image is a sequence of patches, a
/// transformer encoder reads it, and a linear head names it. CLIP's image tower (Radford et al. 2021, "Learning transferable
/// visual models from natural language supervision") is the same with a norm before the blocks and a projection after them;
/// a head, where one is asked for, sees the projected embedding, as in WiSE-FT (Wortsman et al. 2022).
/// </summary>
/// <param name="at">The place: <see cref="ModuleScope.Root"/> for a model of its own.</param>
/// <param name="config">The shape.</param>
public sealed class VisionTransformer(ModuleScope at, VitConfig config) : ImageClassifier(at)
{
    readonly PatchEmbedding patches = new(at / "patch_embedding", config.Validated().Channels, config.PatchSize, config.Width, bias: !config.PreNorm);

    // The token starts near zero and takes its place from the position embedding.
    readonly Parameter? classToken = config.HasClassToken
        ? at.Parameter("class_token", [1, 1, config.Width], InitialValues.Normal(1e-6f)) : null;

    readonly Parameter positions = at.Parameter("position_embedding", [1, config.SequenceLength, config.Width], InitialValues.TruncatedNormal(0.02f));
    readonly Dropout dropout = new(at / "drop", config.Dropout);
    readonly LayerNorm? preNorm = config.PreNorm ? new(at / "pre_norm", config.Width, config.Epsilon) : null;
    readonly Block[] blocks = Stack(at / "blocks", config);
    readonly LayerNorm? norm = config.Pooling == Pooling.ClassToken ? new(at / "norm", config.Width, config.Epsilon) : null;
    readonly LayerNorm? pooledNorm = config.Pooling == Pooling.Average ? new(at / "pooled_norm", config.Width, config.Epsilon) : null;
    readonly Linear? projection = config.ProjectionWidth is { } width ? new(at / "projection", config.Width, width, bias: false) : null;
    readonly Linear? head = config.Classes > 0 ? new(at / "head", config.FeatureWidth, config.Classes, initial: InitialValues.TruncatedNormal(0.02f)) : null;

    /// <summary>A new model with random weights.</summary>
    public VisionTransformer(VitConfig config, ulong seed = 0, Device? device = null) : this(ModuleScope.Root(seed, device), config)
    {
    }

    /// <summary>The shape.</summary>
    public VitConfig Config => config;

    /// <inheritdoc/>
    public override int ImageSize => config.ImageSize;

    /// <inheritdoc/>
    public override int Classes => config.Classes;

    /// <inheritdoc/>
    public override string Architecture => config.ToString();

    /// <inheritdoc/>
    public override Variable Features(Variable pixels)
    {
        Variable pooled = Pool(Encode(pixels));                                 // [B, D]
        return projection?.Forward(pooled) ?? pooled;                           // [B, config.FeatureWidth]
    }

    /// <inheritdoc/>
    public override Variable Classify(Variable features) => head?.Forward(features) ?? features;

    /// <summary>The sequence after all blocks.</summary>
    /// <param name="pixels">[B, C, S, S]</param>
    /// <returns>[B, N, D]: the class token first, if there is one; normalised unless the model pools by averaging</returns>
    public Variable Encode(Variable pixels)
    {
        Variable x = Block.Through(blocks, Embed(pixels));
        return norm?.Forward(x) ?? x;
    }

    /// <summary>Patches, class token and positions (eq. 1), normalised where the model does so.</summary>
    Variable Embed(Variable pixels)                                             // [B, C, S, S]
    {
        Shape size = [pixels.Shape[0], config.Channels, config.ImageSize, config.ImageSize];
        if (pixels.Shape != size)
            throw new ShapeException($"VisionTransformer: pixels are {pixels.Shape}, the model takes {size}.");
        Variable x = patches.Forward(pixels);                                   // [B, N - 1, D]
        if (classToken is not null)
            x = Functions.Concatenate(1, Functions.Expand(classToken, size[0], 1, config.Width), x);    // [B, N, D]
        x = dropout.Forward(x + positions);
        return preNorm?.Forward(x) ?? x;
    }

    Variable Pool(Variable x)                                                   // [B, N, D]
    {
        if (pooledNorm is null) return Functions.Select(x, 1, 0);               // [B, D]
        if (config.HasClassToken) x = Functions.Slice(x, 1, 1, config.SequenceLength);
        return pooledNorm.Forward(Functions.Mean(x, [1]));                      // [B, D]
    }

    static Block[] Stack(ModuleScope at, VitConfig config)
    {
        Block[] blocks = new Block[config.Depth];
        for (int i = 0; i < blocks.Length; i++)
            blocks[i] = new VitBlock(at / i, config, DropPath.AtDepth(config.DropPath, i, config.Depth));
        return blocks;
    }
}
