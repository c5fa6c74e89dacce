using Engine.Models;
using static TorchSharp.torch;

namespace Engine.Peers;

/// <summary>The vision transformer in plain TorchSharp calls.</summary>
sealed class TorchVit(VisionTransformer model) : TorchModel(model)
{
    readonly VitConfig config = model.Config;

    /// <param name="images">[B, 3, H, W]</param>
    /// <returns>[B, classes]</returns>
    public Tensor Forward(Tensor images)
    {
        Tensor x = Patches(images, "patch_embedding", config.PatchSize).flatten(2).transpose(1, 2);   // [B, N, D]
        x = cat([this["class_token"].expand(x.shape[0], -1, -1), x], 1) + this["position_embedding"];
        for (int i = 0; i < config.Depth; i++)
        {
            string block = $"blocks.{i}.";
            x = x + Attend(Norm(x, block + "norm1", config.Epsilon), block + "attn", config.Heads);
            x = x + Mlp(Norm(x, block + "norm2", config.Epsilon), block + "mlp");
        }

        x = Norm(x, "norm", config.Epsilon);
        return Linear(x[.., 0], "head");
    }
}
