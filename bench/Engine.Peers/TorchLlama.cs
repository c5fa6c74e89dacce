using Engine.Models;
using static TorchSharp.torch;
using Functional = TorchSharp.torch.nn.functional;

namespace Engine.Peers;

/// <summary>LLaMA in plain TorchSharp calls, as Hugging Face writes it, with PEFT's LoRA where the engine's model has one.</summary>
/// <param name="model">The model.</param>
/// <param name="scale">alpha / r of its adapters.</param>
sealed class TorchLlama(Llama model, double scale = 2) : TorchModel(model)
{
    readonly LlamaConfig config = model.Config;
    readonly (Tensor Cosine, Tensor Sine) rotary = Rotary(model.Config);

    /// <param name="tokens">[B, T]</param>
    /// <param name="past">Keys and values of a layer, [B, H, M, Dh], which grow; null for none.</param>
    /// <returns>[B, T, V]</returns>
    public Tensor Forward(Tensor tokens, (Tensor Key, Tensor Value)[]? past = null)
    {
        Tensor x = this["embed.weight"].index_select(0, tokens.flatten()).view(tokens.shape[0], tokens.shape[1], config.Width);    // [B, T, D]
        long start = past?[0].Key.shape[2] ?? 0, length = tokens.shape[1];
        Tensor cosine = rotary.Cosine.narrow(0, start, length), sine = rotary.Sine.narrow(0, start, length);
        for (int i = 0; i < config.Depth; i++)
        {
            string layer = $"layers.{i}.";
            Tensor h = RmsNorm(x, layer + "norm1");
            Tensor q = Rotate(Heads(Adapted(h, layer + "attn.q")), cosine, sine), k = Rotate(Heads(Adapted(h, layer + "attn.k")), cosine, sine);
            Tensor v = Heads(Adapted(h, layer + "attn.v"));
            if (past is not null)
            {
                (k, v) = (cat([past[i].Key, k], 2), cat([past[i].Value, v], 2));
                past[i] = (k, v);
            }

            Tensor y = Functional.scaled_dot_product_attention(q, k, v, is_casual: length > 1);
            x = x + Linear(y.transpose(1, 2).reshape(x.shape[0], length, -1), layer + "attn.o");
            h = RmsNorm(x, layer + "norm2");
            x = x + Linear(Functional.silu(Linear(h, layer + "mlp.gate")) * Linear(h, layer + "mlp.up"), layer + "mlp.down");
        }

        return Linear(RmsNorm(x, "norm"), "head");
    }

    Tensor Adapted(Tensor x, string name) => Has(name + ".lora.a")
        ? Linear(x, name) + Functional.linear(Functional.linear(x, this[name + ".lora.a"]), this[name + ".lora.b"]) * scale
        : Linear(x, name);

    Tensor Heads(Tensor x) => x.view(x.shape[0], x.shape[1], -1, config.HeadSize).transpose(1, 2);

    Tensor RmsNorm(Tensor x, string name) => x * rsqrt(x.pow(2).mean([-1], keepdim: true) + config.Epsilon) * this[name + ".weight"];

    static Tensor Rotate(Tensor x, Tensor cosine, Tensor sine)
    {
        long half = x.shape[3] / 2;
        Tensor turned = cat([-x.narrow(3, half, half), x.narrow(3, 0, half)], -1);
        return x * cosine + turned * sine;
    }

    static (Tensor, Tensor) Rotary(LlamaConfig config)
    {
        Tensor rates = 1 / pow(config.RotaryBase, arange(0, config.HeadSize, 2, ScalarType.Float64) / config.HeadSize);
        Tensor angles = outer(arange(config.MaximumLength, ScalarType.Float64), rates);
        angles = cat([angles, angles], -1);
        return (angles.cos().to(ScalarType.Float32), angles.sin().to(ScalarType.Float32));
    }
}
