using Engine.Autograd;
using Engine.Tensors;
using static TorchSharp.torch;
using Tensor = Engine.Tensors.Tensor;

namespace Engine.Peers;

/// <summary>Scaled dot-product attention, forward alone or with its gradients.</summary>
static class AttentionCase
{
    public static PeerCase Create(string name, int batch, int heads, int tokens, int size, bool causal, bool backward) => new(
        $"attention {name}{(backward ? " with backward" : " forward")}",
        sides =>
        {
            long[] shape = [batch, heads, tokens, size];
            float[][] values = [.. Enumerable.Range(0, 4).Select(i =>
            {
                float[] numbers = new float[batch * heads * tokens * size];
                new Philox(3, (ulong)i).FillNormal(numbers);
                return numbers;
            })];
            Variable[] inputs = [.. values.Take(3).Select(v => new Variable(Tensor.From(v, [batch, heads, tokens, size]), requiresGradient: backward))];
            Tensor cotangent = Tensor.From(values[3], [batch, heads, tokens, size]);
            if (sides == PeerSides.Ours) return PeerPair.Of(Run, null);
            var peers = values.Take(3).Select(v => tensor(v, shape, requires_grad: backward)).ToArray();
            var peerCotangent = tensor(values[3], shape);
            return PeerPair.Of(Run, Peer);

            double Run()
            {
                using StepScope scope = StepScope.Begin();
                Variable y = Functions.Attention(inputs[0], inputs[1], inputs[2], causal: causal);
                if (backward) y.Backward(cotangent, retain: true);
                return y.Value.Select(0, 0).Select(0, 0).Select(0, 0).Select(0, 0).Item<float>();
            }

            double Peer()
            {
                using var scope = NewDisposeScope();
                var y = nn.functional.scaled_dot_product_attention(peers[0], peers[1], peers[2], is_casual: causal);
                if (backward) y.backward([peerCotangent]);
                return y[0, 0, 0, 0].item<float>();
            }
        },
        (backward ? 3.5 : 1) * 4 * batch * heads * (double)tokens * tokens * size * (causal ? 0.5 : 1));
}
