using Engine.Tensors;

namespace Engine.Models.Tests;

static class SwinFixtures
{
    /// <summary>Maps of 16, 8 and 4 patches in windows of 4, which the last stage is one of.</summary>
    public static SwinConfig Small { get; } = new()
    {
        ImageSize = 64,
        PatchSize = 4,
        Width = 8,
        Depths = [2, 2, 2],
        Heads = [1, 2, 4],
        WindowSize = 4,
        MlpRatio = 2,
        Classes = 5,
    };

    /// <summary>Small images.</summary>
    public static Tensor Pixels(SwinConfig config, int count = 2, ulong seed = 3) =>
        RandomNumbers.Normal([count, config.Channels, config.ImageSize, config.ImageSize], new Philox(seed));
}
