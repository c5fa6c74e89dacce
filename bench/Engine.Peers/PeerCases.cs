using Engine.Models;

namespace Engine.Peers;

/// <summary>All cases, in the order they run.</summary>
static class PeerCases
{
    static readonly VitConfig Cifar = new() { ImageSize = 32, PatchSize = 4, Width = 128, Depth = 6, Heads = 4, MlpWidth = 512, Classes = 10 };

    static readonly LlamaConfig SmallLlama = new() { Width = 768, MlpWidth = 2048, Depth = 12, Heads = 12, KeyValueHeads = 12, HeadSize = 64 };

    public static IEnumerable<PeerCase> All() =>
    [
        .. Products(),
        .. Attentions(),
        StepCase.Vit("vit_cifar", Cifar, batch: 64),
        StepCase.Vit("vit_ti16", VitConfig.Tiny(), batch: 32),
        StepCase.Vit("vit_b16", VitConfig.Base(), batch: 8),
        StepCase.Swin("swin_t", SwinConfig.Tiny(), batch: 8),
        StepCase.Lora("llama_lora", SmallLlama, rank: 8, batch: 2, length: 256),
        OptimizerCase.AdamW(),
        OptimizerCase.AdamSpd(),
        InferCase.Vit("infer vit_b16 batch 1", VitConfig.Base(), batch: 1),
        InferCase.Decode("infer llama 16 tokens", SmallLlama),
    ];

    // Of every linear layer of a step: y = x W^T, dx = dy W, dW = dy^T x. LoRA wants no dW.
    static IEnumerable<PeerCase> Products()
    {
        foreach (int size in (int[])[512, 1024, 2048]) yield return GemmCase.Create("square", size, size, size);
        (string Model, int Rows, (string Name, int Inner, int Outer)[] Layers)[] models =
        [
            ("vit_cifar", 64 * 65, [("qkv", 128, 384), ("proj", 128, 128), ("fc1", 128, 512), ("fc2", 512, 128)]),
            ("vit_b16", 8 * 197, [("patches", 768, 768), ("qkv", 768, 2304), ("fc1", 768, 3072), ("fc2", 3072, 768)]),
            ("llama", 2 * 256, [("q", 768, 768), ("gate", 768, 2048), ("down", 2048, 768), ("head", 768, 32000)]),
        ];
        foreach ((string model, int rows, (string, int, int)[] layers) in models)
        {
            foreach ((string name, int inner, int outer) in layers)
            {
                yield return GemmCase.Create($"{model} {name}", rows, inner, outer, transposeB: true);
                yield return GemmCase.Create($"{model} {name} dX", rows, outer, inner);
                yield return GemmCase.Create($"{model} {name} dW", outer, rows, inner, transposeA: true);
            }
        }
    }

    static IEnumerable<PeerCase> Attentions()
    {
        foreach (bool backward in (bool[])[false, true])
        {
            yield return AttentionCase.Create("8x12x197x64", 8, 12, 197, 64, causal: false, backward);
            yield return AttentionCase.Create("64x4x65x32", 64, 4, 65, 32, causal: false, backward);
            yield return AttentionCase.Create("1x12x2048x64 causal", 1, 12, 2048, 64, causal: true, backward);
        }
    }
}
