using Engine.Tensors;

namespace Engine.Gpu.Tests;

/// <summary>Attention and all its gradients on one set of random operands, on any device.</summary>
public sealed record AttentionProblem(int Batch, int Heads, int Groups, int Queries, int Keys, int Width, int ValueWidth, bool Causal = false)
{
    public enum MaskKind { None, Added, AddedPerHead, AddedTransposed, Seen, Padding, SeenByNobody, Windows }

    public enum Rows { Dense, Fused, Flipped, Shared }

    public MaskKind Mask { get; init; }

    /// <summary>How queries, keys and values lie in memory.</summary>
    public Rows Layout { get; init; }

    public double Spread { get; init; } = 1;

    AttentionOptions Options => new(0.4f, Causal);

    public sealed record Operands(Tensor Query, Tensor Key, Tensor Value, Tensor DY, Tensor? Mask);

    public sealed record Results(Tensor Y, Tensor LogSumExp, Tensor DQuery, Tensor DKey, Tensor DValue, Tensor? DMask)
    {
        public IEnumerable<(string Name, Tensor Tensor)> All
        {
            get
            {
                yield return ("y", Y);
                yield return ("logSumExp", LogSumExp);
                yield return ("dquery", DQuery);
                yield return ("dkey", DKey);
                yield return ("dvalue", DValue);
                if (DMask is not null) yield return ("dmask", DMask);
            }
        }
    }

    /// <summary>The same numbers for every device; exact in the stored type, so that all see the same operands.</summary>
    public Operands Create(Device device, DType dtype, DType? stored = null, int seed = 1)
    {
        Random random = new(seed);
        return new(Draw(Heads, Queries, Width), Draw(Groups, Keys, Width), Draw(Groups, Keys, ValueWidth), Draw(Heads, Queries, ValueWidth), MakeMask());

        Tensor Draw(int heads, int length, int width) => Layout switch
        {
            Rows.Fused => Numbers([Batch, length, 2, heads, width]).Permute(0, 2, 3, 1, 4).Select(1, 1),
            Rows.Flipped => Numbers([Batch, heads, length, width]).Flip(2).Flip(1),
            Rows.Shared => Numbers([1, heads, length, width]).Expand([Batch, heads, length, width]),
            _ => Numbers([Batch, heads, length, width]),
        };

        Tensor Numbers(Shape shape)
        {
            double[] elements = new double[shape.ElementCount];
            for (int i = 0; i < elements.Length; i++) elements[i] = Spread * (2 * random.NextDouble() - 1);
            Device cpu = Device.Parse("cpu");
            return Tensor.From(elements, shape, cpu).To(DType.Float32).To(stored ?? dtype).To(dtype).To(device);
        }

        Tensor? MakeMask()
        {
            Shape all = [Batch, Heads, Queries, Keys];
            return Mask switch
            {
                MaskKind.None => null,
                MaskKind.Added => Numbers(all),
                MaskKind.AddedPerHead => Numbers([Heads, Queries, Keys]).Expand(all),
                MaskKind.AddedTransposed => Numbers([Batch, Heads, Keys, Queries]).Permute(0, 1, 3, 2),
                MaskKind.Windows => Numbers([Batch / 2, 1, Queries, Keys]).Expand([Batch / 2, Heads, Queries, Keys]),
                _ => Seen().Expand(all),
            };
        }

        // Of a padded sequence the first keys are seen; elsewhere a third of all pairs is not.
        Tensor Seen()
        {
            Shape shape = Mask == MaskKind.Padding ? [Batch, 1, 1, Keys] : [Batch, 1, Queries, Keys];
            bool[] seen = new bool[shape.ElementCount];
            for (int i = 0; i < seen.Length; i++) seen[i] = Mask == MaskKind.Padding ? i % Keys <= Keys / 2 : random.Next(3) > 0;
            if (Mask == MaskKind.SeenByNobody) seen.AsSpan(0, Keys * (Queries / 2 + 1)).Clear();
            return Tensor.From(seen, shape, device);
        }
    }

    public Results Solve(Operands o)
    {
        (Tensor y, Tensor logSumExp) = Forward(o);
        Tensor dquery = Heads4(o.Query, Heads, Queries, Width), dkey = Heads4(o.Query, Groups, Keys, Width), dvalue = Heads4(o.Query, Groups, Keys, ValueWidth);
        Tensor? dmask = o.Mask is { } mask && mask.DType != DType.Bool ? o.Query.EmptyLike([Batch, Heads, Queries, Keys]) : null;
        y.Backend.AttentionGradient(o.DY, o.Query, o.Key, o.Value, o.Mask, Options, y, logSumExp, dquery, dkey, dvalue, dmask);
        return new(y, logSumExp, dquery, dkey, dvalue, dmask);
    }

    public (Tensor Y, Tensor LogSumExp) Forward(Operands o)
    {
        Tensor y = Heads4(o.Query, Heads, Queries, ValueWidth);
        Tensor logSumExp = o.Query.EmptyLike([Batch, Heads, Queries], o.Query.DType == DType.Float64 ? DType.Float64 : DType.Float32);
        y.Backend.Attention(o.Query, o.Key, o.Value, o.Mask, Options, y, logSumExp);
        return (y, logSumExp);
    }

    /// <summary>Only the wanted gradients.</summary>
    public void Gradients(Operands o, Results r, Tensor? dquery, Tensor? dkey, Tensor? dvalue) =>
        r.Y.Backend.AttentionGradient(o.DY, o.Query, o.Key, o.Value, o.Mask, Options, r.Y, r.LogSumExp, dquery, dkey, dvalue, null);

    // In memory [B, N, H, D], as attention's callers have it.
    Tensor Heads4(Tensor like, int heads, int length, int width) => like.EmptyLike([Batch, length, heads, width]).Permute(0, 2, 1, 3);
}
