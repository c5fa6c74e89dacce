using Engine.Models;

namespace Engine.Peers;

/// <summary>All cases, in the order they run.</summary>
static class PeerCases
{
    public static IEnumerable<PeerCase> All()
    {
        foreach (int size in (int[])[512, 1024, 2048]) yield return GemmCase.Create("square", size, size, size);
        foreach ((string model, int rows, int width, int mlp) in (ModelSize[])[new("vit_cifar", 4160, 128, 512), new("vit_b16", 1576, 768, 3072)])
        {
            foreach ((string name, int inner, int outer) in (Product[])
                [new("qkv", width, 3 * width), new("proj", width, width), new("fc1", width, mlp), new("fc2", mlp, width)])
            {
                yield return GemmCase.Create($"{model} {name}", rows, inner, outer, transposeB: true);
                yield return GemmCase.Create($"{model} {name} dX", rows, outer, inner);
                yield return GemmCase.Create($"{model} {name} dW", outer, rows, inner, transposeA: true);
            }
        }

        foreach (bool backward in (bool[])[false, true])
        {
            yield return AttentionCase.Create("8x12x197x64", 8, 12, 197, 64, causal: false, backward);
            yield return AttentionCase.Create("64x4x65x32", 64, 4, 65, 32, causal: false, backward);
            yield return AttentionCase.Create("1x12x2048x64 causal", 1, 12, 2048, 64, causal: true, backward);
        }

        yield return VitCase.Create("vit_cifar", new VitConfig { ImageSize = 32, PatchSize = 4, Width = 128, Depth = 6, Heads = 4, MlpWidth = 512, Classes = 10 }, batch: 64);
        yield return OptimizerCase.AdamW();
        yield return OptimizerCase.AdamSpd();
    }

    readonly record struct ModelSize(string Model, int Rows, int Width, int Mlp);

    readonly record struct Product(string Name, int Inner, int Outer);
}
