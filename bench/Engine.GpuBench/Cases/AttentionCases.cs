using Engine.Tensors;

namespace Engine.GpuBench;

/// <summary>Scaled dot-product attention, forward alone and with its gradients.</summary>
static class AttentionCases
{
    sealed record Sizes(int Batch, int Heads, int Tokens, int Width, bool Causal)
    {
        public override string ToString() => $"{Batch}x{Heads}x{Tokens}x{Width}{(Causal ? " causal" : "")}";
    }

    public static IEnumerable<BenchCase> All(bool quick)
    {
        Sizes[] all = quick ? [new(2, 3, 197, 64, false)] : [new(32, 12, 197, 64, false), new(4, 16, 2048, 64, true)];
        foreach (DType type in (DType[])[DType.Float32, DType.BFloat16])
            foreach (Sizes sizes in all)
                foreach (bool backward in (bool[])[false, true]) yield return Create(sizes, type, backward);
    }

    static BenchCase Create(Sizes s, DType type, bool backward) => new(
        $"attention {Comparison.Short(type)} {s} {(backward ? "forward and backward" : "forward")}", device => Prepare(device, s, type, backward),
        new("attention", Comparison.Name(type), [s.Batch, s.Heads, s.Tokens, s.Width, s.Causal ? 1 : 0], backward ? "backward" : ""))
    {
        // Two products forward, five in the gradients; what is computed twice is not counted.
        Flops = (backward ? 7 : 2) * 2.0 * s.Batch * s.Heads * s.Tokens * s.Tokens * s.Width / (s.Causal ? 2 : 1),
    };

    static Work Prepare(Device device, Sizes s, DType type, bool backward)
    {
        // [B, N, H, D] as a projection leaves it, seen as [B, H, N, D].
        Tensor Heads(ulong seed) => RandomNumbers.Normal([s.Batch, s.Tokens, s.Heads, s.Width], new Philox(seed), device: device).To(type).Permute(0, 2, 1, 3);
        Tensor query = Heads(1), key = Heads(2), value = Heads(3), dy = Heads(4), y = Heads(5), dquery = Heads(6), dkey = Heads(7), dvalue = Heads(8);
        Tensor logSumExp = Tensor.Empty([s.Batch, s.Heads, s.Tokens], DType.Float32, device);
        AttentionOptions options = new(1 / MathF.Sqrt(s.Width), s.Causal);
        return new(Run, () =>
        {
            Run();
            Tensor[] parts = [.. ((Tensor[])[query, key, value, dy]).Select(x => Comparison.OnCpu(FirstHead(x)))];
            (Tensor right, Tensor sums) = Attention.Forward(parts[0], parts[1], parts[2], null, options);
            string? fault = Comparison.Fault("attention", FirstHead(y), right, Comparison.Tolerance(type));
            if (!backward || fault is not null) return fault;
            (Tensor dq, Tensor dk, Tensor dv, _) = Attention.Gradient(parts[3], parts[0], parts[1], parts[2], null, options, right, sums);
            return Comparison.Fault("the gradient of the queries", FirstHead(dquery), dq, Comparison.Tolerance(type))
                ?? Comparison.Fault("the gradient of the keys", FirstHead(dkey), dk, Comparison.Tolerance(type))
                ?? Comparison.Fault("the gradient of the values", FirstHead(dvalue), dv, Comparison.Tolerance(type));
        });

        void Run()
        {
            device.Backend.Attention(query, key, value, null, options, y, logSumExp);
            if (backward) device.Backend.AttentionGradient(dy, query, key, value, null, options, y, logSumExp, dquery, dkey, dvalue, null);
        }
    }

    static Tensor FirstHead(Tensor x) => x.Slice(0, 0, 1).Slice(1, 0, 1);
}
