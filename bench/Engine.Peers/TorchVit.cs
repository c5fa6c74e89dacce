using static TorchSharp.torch;
using Functional = TorchSharp.torch.nn.functional;

namespace Engine.Peers;

/// <summary>The vision transformer of timm in plain TorchSharp calls, over weights that are handed in by timm's names.</summary>
sealed class TorchVit(Dictionary<string, Tensor> weights, int depth, int heads, int patch, double epsilon)
{
    readonly List<TorchSharp.Modules.Parameter> parameters = [];

    public Dictionary<string, Tensor> Weights => weights;

    public IEnumerable<TorchSharp.Modules.Parameter> Parameters
    {
        get
        {
            if (parameters.Count == 0)
            {
                foreach (string name in weights.Keys.ToArray())
                {
                    TorchSharp.Modules.Parameter parameter = new(weights[name]);
                    weights[name] = parameter;
                    parameters.Add(parameter);
                }
            }

            return parameters;
        }
    }

    /// <param name="images">[B, 3, H, W]</param>
    /// <returns>[B, classes]</returns>
    public Tensor Forward(Tensor images)
    {
        Tensor x = Functional.conv2d(images, weights["patch_embed.proj.weight"], weights["patch_embed.proj.bias"], [patch, patch]);
        x = x.flatten(2).transpose(1, 2);                                          // [B, N, D]
        long batch = x.shape[0], width = x.shape[2];
        x = cat([weights["cls_token"].expand(batch, -1, -1), x], 1) + weights["pos_embed"];
        for (int i = 0; i < depth; i++)
        {
            string block = $"blocks.{i}.";
            Tensor h = Norm(x, block + "norm1");
            Tensor qkv = Linear(h, block + "attn.qkv").reshape(batch, -1, 3, heads, width / heads).permute(2, 0, 3, 1, 4);
            Tensor y = Functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
            x = x + Linear(y.transpose(1, 2).reshape(batch, -1, width), block + "attn.proj");
            h = Functional.gelu(Linear(Norm(x, block + "norm2"), block + "mlp.fc1"));
            x = x + Linear(h, block + "mlp.fc2");
        }

        x = Norm(x, "norm");
        return Linear(x[.., 0], "head");
    }

    Tensor Norm(Tensor x, string name) =>
        Functional.layer_norm(x, [x.shape[^1]], weights[name + ".weight"], weights[name + ".bias"], epsilon);

    Tensor Linear(Tensor x, string name) => Functional.linear(x, weights[name + ".weight"], weights[name + ".bias"]);

    /// <summary>Random weights of the right shapes, where no engine model provides them.</summary>
    public static Dictionary<string, Tensor> RandomWeights(int width, int depth, int mlp, int image, int patch, int classes)
    {
        Dictionary<string, Tensor> weights = [];
        void Add(string name, params long[] shape) => weights[name] = randn(shape) * 0.02;
        int tokens = image / patch * (image / patch) + 1;
        Add("cls_token", 1, 1, width);
        Add("pos_embed", 1, tokens, width);
        Add("patch_embed.proj.weight", width, 3, patch, patch);
        Add("patch_embed.proj.bias", width);
        for (int i = 0; i < depth; i++)
        {
            string block = $"blocks.{i}.";
            foreach (string norm in (string[])["norm1", "norm2"])
            {
                weights[block + norm + ".weight"] = ones(width);
                Add(block + norm + ".bias", width);
            }

            Add(block + "attn.qkv.weight", 3 * width, width);
            Add(block + "attn.qkv.bias", 3 * width);
            Add(block + "attn.proj.weight", width, width);
            Add(block + "attn.proj.bias", width);
            Add(block + "mlp.fc1.weight", mlp, width);
            Add(block + "mlp.fc1.bias", mlp);
            Add(block + "mlp.fc2.weight", width, mlp);
            Add(block + "mlp.fc2.bias", width);
        }

        weights["norm.weight"] = ones(width);
        Add("norm.bias", width);
        Add("head.weight", classes, width);
        Add("head.bias", classes);
        return weights;
    }
}
