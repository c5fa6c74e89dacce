namespace Engine.Models;

public sealed partial record VitConfig
{
    const int ClipImageSize = 224;

    // Every size there is, by the name that people type; a slash in it is left out.
    static readonly (string Name, Func<VitConfig> Build)[] Sizes =
    [
        ("vit-ti16", () => Tiny(16)), ("vit-ti32", () => Tiny(32)),
        ("vit-s16", () => Small(16)), ("vit-s32", () => Small(32)),
        ("vit-b16", () => Base(16)), ("vit-b32", () => Base(32)),
        ("vit-l16", () => Large(16)), ("vit-l32", () => Large(32)),
        ("clip-vit-b16", () => Clip(16)), ("clip-vit-b32", () => Clip(32)), ("clip-vit-l14", ClipLarge),
    ];

    /// <summary>The names that <see cref="Named"/> takes: vit-ti16, vit-b32, clip-vit-b16 and so on.</summary>
    public static IReadOnlyList<string> SizeNames { get; } = [.. Sizes.Select(size => size.Name)];

    /// <summary>A published size by its name: <c>vit-b16</c> is ViT-B/16, 224 pixels, 1000 classes; <c>clip-vit-b16</c> CLIP's, without a head.</summary>
    /// <exception cref="ArgumentException">No size has this name; the message lists them.</exception>
    public static VitConfig Named(string name) =>
        Sizes.FirstOrDefault(size => size.Name == name).Build?.Invoke()
        ?? throw new ArgumentException($"No vision transformer is named '{name}'; known are {string.Join(", ", SizeNames)}.");

    /// <summary>ViT-Ti: width 192, 3 heads (Touvron et al. 2021, "Training data-efficient image transformers").</summary>
    public static VitConfig Tiny(int patchSize = 16) => new() { PatchSize = patchSize, Width = 192, Heads = 3, MlpWidth = 768 };

    /// <summary>ViT-S: width 384, 6 heads (as above).</summary>
    public static VitConfig Small(int patchSize = 16) => new() { PatchSize = patchSize, Width = 384, Heads = 6, MlpWidth = 1536 };

    /// <summary>ViT-B: width 768, 12 heads (Dosovitskiy et al. 2021, table 1).</summary>
    public static VitConfig Base(int patchSize = 16) => new() { PatchSize = patchSize };

    /// <summary>ViT-L: width 1024, 24 blocks, 16 heads (as above).</summary>
    public static VitConfig Large(int patchSize = 16) => new() { PatchSize = patchSize, Width = 1024, Depth = 24, Heads = 16, MlpWidth = 4096 };

    /// <summary>The image tower of CLIP ViT-B, whose embedding has 512 numbers (Radford et al. 2021, table 20).</summary>
    public static VitConfig Clip(int patchSize = 16) => AsClip(Base(patchSize), projection: 512);

    /// <summary>The image tower of CLIP ViT-L/14, whose embedding has 768 numbers (as above).</summary>
    public static VitConfig ClipLarge() => AsClip(Large(14), projection: 768);

    static VitConfig AsClip(VitConfig vit, int projection) => vit with
    {
        ImageSize = ClipImageSize,
        Classes = 0,
        Epsilon = 1e-5f,
        Activation = Activation.QuickGelu,
        PreNorm = true,
        ProjectionWidth = projection,
    };

    /// <summary>The numbers in all parameters of a model of this shape, which need not be built for it.</summary>
    public long ParameterCount
    {
        get
        {
            long width = Width, hidden = MlpWidth;
            long patches = width * Channels * PatchSize * PatchSize + (PreNorm ? 0 : width);
            long embedding = patches + (HasClassToken ? width : 0) + SequenceLength * width + (PreNorm ? 2 * width : 0);
            long attention = 4 * width * width + width + (QkvBias ? 3 * width : 0);
            long mlp = 2 * width * hidden + hidden + width;
            long block = attention + mlp + 4 * width + (LayerScale is null ? 0 : 2 * width);
            long head = Classes == 0 ? 0 : ((long)FeatureWidth + 1) * Classes;
            return embedding + Depth * block + 2 * width + width * (ProjectionWidth ?? 0) + head;
        }
    }
}
