using static TorchSharp.torch;
using Functional = TorchSharp.torch.nn.functional;

namespace Engine.Peers;

/// <summary>
/// What the peers' models share: parameters by the engine's names, as libtorch's own functions take them. A layer is the fused
/// function that a user of torch would call.
/// </summary>
abstract class TorchModel
{
    readonly Dictionary<string, Tensor> weights = [];

    /// <param name="model">Whose parameters are copied; those that it does not train are frozen here too.</param>
    protected TorchModel(Engine.Models.Module model)
    {
        foreach (Engine.Autograd.Parameter parameter in model.Parameters)
        {
            float[] values = parameter.Value.ToArray<float>();
            TorchSharp.Modules.Parameter copy = new(tensor(values, [.. parameter.Shape.Select(extent => (long)extent)]), requires_grad: parameter.Trainable);
            Parameters.Add(copy);
            weights.Add(parameter.Name, copy);
        }
    }

    public List<TorchSharp.Modules.Parameter> Parameters { get; } = [];

    protected Tensor this[string name] => weights[name];

    protected bool Has(string name) => weights.ContainsKey(name);

    protected Tensor Linear(Tensor x, string name) =>
        Functional.linear(x, weights[name + ".weight"], weights.GetValueOrDefault(name + ".bias"));

    protected Tensor Norm(Tensor x, string name, double epsilon) =>
        Functional.layer_norm(x, [x.shape[^1]], weights[name + ".weight"], weights[name + ".bias"], epsilon);

    protected Tensor Mlp(Tensor x, string name) => Linear(Functional.gelu(Linear(x, name + ".fc1")), name + ".fc2");

    /// <param name="x">[B, N, D]</param>
    /// <param name="name">Of the attention.</param>
    /// <param name="heads">H</param>
    /// <param name="mask">Added to the scores, [B, H, N, N], or null.</param>
    protected Tensor Attend(Tensor x, string name, int heads, Tensor? mask = null)
    {
        long batch = x.shape[0], width = x.shape[2];
        Tensor qkv = Linear(x, name + ".qkv").reshape(batch, -1, 3, heads, width / heads).permute(2, 0, 3, 1, 4);
        Tensor y = Functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], mask);
        return Linear(y.transpose(1, 2).reshape(batch, -1, width), name + ".proj");
    }

    protected Tensor Patches(Tensor images, string name, int patch) =>
        Functional.conv2d(images, weights[name + ".weight"], weights[name + ".bias"], [patch, patch]);
}
