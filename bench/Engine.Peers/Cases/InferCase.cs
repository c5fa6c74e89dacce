using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;
using static TorchSharp.torch;
using Tensor = Engine.Tensors.Tensor;
using TorchTensor = TorchSharp.torch.Tensor;

namespace Engine.Peers;

/// <summary>A trained model at work, no gradients.</summary>
static class InferCase
{
    const int Prompt = 128, Written = 16;

    /// <summary>One batch of images; the sum of the logits is compared.</summary>
    public static PeerCase Vit(string name, VitConfig config, int batch) => new(name, sides =>
    {
        VisionTransformer model = new(config, seed: 1);
        float[] pixels = new float[batch * 3 * config.ImageSize * config.ImageSize];
        new Philox(2, 0).FillNormal(pixels);
        Tensor images = Tensor.From(pixels, [batch, 3, config.ImageSize, config.ImageSize]);
        if (sides == PeerSides.Ours) return PeerPair.Of(Run, null);
        TorchVit peer = new(model);
        TorchTensor peerImages = tensor(pixels, [batch, 3, config.ImageSize, config.ImageSize]);
        return PeerPair.Of(Run, () =>
        {
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            return peer.Forward(peerImages).abs().sum().item<float>();
        });

        double Run()
        {
            using StepScope scope = StepScope.Begin();
            using Tape.Pause pause = Tape.NoGradient();
            double sum = 0;
            foreach (float logit in model.Forward(images).Value.AsSpan<float>()) sum += Math.Abs(logit);
            return sum;
        }
    });

    /// <summary>Sixteen tokens after a prompt, one after the other, each the most likely; the last one's largest logit is compared.</summary>
    public static PeerCase Decode(string name, LlamaConfig config) => new(name, sides =>
    {
        Llama model = new(config, seed: 1);
        int[] prompt = [.. Enumerable.Range(0, Prompt).Select(i => (int)(i * 7919L % config.VocabularySize))];
        KeyValueCache cache = new(config, 1, 2 * Prompt);
        using (StepScope scope = StepScope.Begin()) model.Step(Tensor.From(prompt, [1, Prompt]), cache);
        if (sides == PeerSides.Ours) return PeerPair.Of(Run, null);
        TorchLlama peer = new(model);
        (TorchTensor, TorchTensor)[] past = new (TorchTensor, TorchTensor)[config.Depth];
        long heads = config.KeyValueHeads, size = config.HeadSize;
        for (int layer = 0; layer < past.Length; layer++) past[layer] = (zeros(1, heads, 0, size), zeros(1, heads, 0, size));
        using (no_grad()) peer.Forward(tensor(prompt, [1, Prompt]).to(ScalarType.Int64), past).Dispose();
        return PeerPair.Of(Run, () =>
        {
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            var all = past.ToArray();
            TorchTensor token = zeros(1, 1, ScalarType.Int64);
            float largest = 0;
            for (int i = 0; i < Written; i++)
            {
                TorchTensor logits = peer.Forward(token, all)[0, 0];
                long next = logits.argmax().item<long>();
                largest = logits[next].item<float>();
                token = tensor(next).view(1, 1);
            }

            return largest;
        });

        double Run()
        {
            cache.Truncate(Prompt);
            int token = 0;
            float largest = 0;
            for (int i = 0; i < Written; i++)
            {
                using StepScope scope = StepScope.Begin();
                ReadOnlySpan<float> logits = model.Step(Tensor.From([token], [1, 1]), cache).AsSpan<float>();
                token = System.Numerics.Tensors.TensorPrimitives.IndexOfMax(logits);
                largest = logits[token];
            }

            return largest;
        }
    });
}
