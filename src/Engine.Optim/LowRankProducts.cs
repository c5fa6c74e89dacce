using System.Runtime.CompilerServices;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>
/// LoRA pairs as layers of selective projection: what matters of A [r, in] and B [out, r] is their product, the change of the
/// weight, anchored at 0.
/// <code>
/// c = -sum(dL/d(BA) BA) = -sum(dL/dB B)          since dL/dB = dL/d(BA) A^T
/// |BA|^2 = sum((B^T B) (A A^T))                    r x r products, never out x in
/// B = (1 - lambda r) B                             scales the product and leaves A free
/// </code>
/// The factor alpha / r of LoRA changes neither r nor the sign of c; deviations are those of B A without it.
/// </summary>
sealed class LowRankProducts
{
    static readonly (string A, string B)[] Endings = [(".a", ".b"), (".lora_A", ".lora_B"), (".lora_A.weight", ".lora_B.weight")];

    readonly ParameterArena arena;
    readonly SelectiveProjection projection;
    readonly List<(ArenaSegment A, ArenaSegment B)> pairs = [];
    readonly HashSet<ArenaSegment> held = [];
    readonly Tensor before, conditions;

    public LowRankProducts(ParameterArena arena, SelectiveProjection projection)
    {
        (this.arena, this.projection) = (arena, projection);
        Dictionary<string, ArenaSegment> segments = arena.Segments.ToDictionary(segment => segment.Name);
        foreach (ArenaSegment a in arena.Segments)
            if (a.Parameter is { ZeroAnchor: true, Rank: 2 } && PartnerOf(a.Name, segments) is { } b && b.Parameter.Rank == 2 && b.Parameter.Shape[1] == a.Parameter.Shape[0])
                pairs.Add((a, b));
        if (pairs.Count == 0) throw new ArgumentException("LowRankProducts: no LoRA pair among the parameters (names that end in .a and .b, or .lora_A and .lora_B).");
        foreach ((ArenaSegment a, ArenaSegment b) in pairs) held.UnionWith([a, b]);
        (before, conditions) = (Tensor.Zeros([pairs.Count], DType.Float32, arena.Device), Tensor.Zeros([pairs.Count], DType.Float32, arena.Device));
    }

    /// <summary>True for a parameter that is projected as part of its pair.</summary>
    public bool Holds(ArenaSegment segment) => held.Contains(segment);

    /// <summary>Norms and conditions before the step.</summary>
    public void Before()
    {
        using StepScope scope = StepScope.Begin();
        for (int i = 0; i < pairs.Count; i++)
        {
            (ArenaSegment a, ArenaSegment b) = pairs[i];
            if (!b.Parameter.HasGradient) continue;
            before.Slice(0, i, i + 1).CopyFrom(SquaredNorm(a, b));
            conditions.Slice(0, i, i + 1).CopyFrom(Reduction.Sum(Elementwise.Map<Multiply>(b.Parameter.Gradient!, b.Parameter.Value)));
        }
    }

    /// <summary>Scales B, and writes the pair's row of the trace to that of B.</summary>
    public void After(int traceRow, long step)
    {
        using StepScope scope = StepScope.Begin();
        for (int i = 0; i < pairs.Count; i++)
        {
            (ArenaSegment a, ArenaSegment b) = pairs[i];
            if (!b.Parameter.HasGradient) continue;
            Tensor after = SquaredNorm(a, b), product = conditions.Slice(0, i, i + 1);
            Tensor ratio = Elementwise.Map(new ProductRatio(), after, before.Slice(0, i, i + 1), product);      // [1]
            Tensor scale = Elementwise.Map(new Scale((float)projection.StrengthOf(b, step)), ratio);
            Elementwise.MapInto(new ShrinkBy(), b.Parameter.Value, scale.Reshape(1, 1).Expand(b.Parameter.Shape), b.Parameter.Value);
            Tensor row = projection.Trace.Ring.Slice(0, traceRow, traceRow + 1).Slice(1, b.Index, b.Index + 1).Reshape(ArenaStep.TraceWidth);
            row.Slice(0, 0, 1).CopyFrom(Elementwise.Map<Negate>(product));
            row.Slice(0, 1, 2).CopyFrom(ratio);
            row.Slice(0, 2, 3).CopyFrom(Elementwise.Map<Absolute>(Elementwise.Map(new ShrinkBy(), Elementwise.Map<SquareRoot>(after), scale)));
            row.Slice(0, 3, 4).CopyFrom(scale);
            row.Slice(0, 4, 5).CopyFrom(Elementwise.Map<SquareRoot>(before.Slice(0, i, i + 1)));
            row.Backend.Fill(double.NaN, row.Slice(0, 5, 6));       // the product has no gradient of its own
        }
    }

    static ArenaSegment? PartnerOf(string name, Dictionary<string, ArenaSegment> segments)
    {
        foreach ((string a, string b) in Endings)
            if (name.EndsWith(a, StringComparison.Ordinal) && segments.GetValueOrDefault(name[..^a.Length] + b) is { Parameter.ZeroAnchor: true } partner)
                return partner;
        return null;
    }

    // [1]: |BA|^2.
    static Tensor SquaredNorm(ArenaSegment a, ArenaSegment b)
    {
        Tensor left = Matrices.MatMul(b.Parameter.Value.Transpose(), b.Parameter.Value), right = Matrices.MatMul(a.Parameter.Value, a.Parameter.Value.Transpose());
        return Reduction.Sum(Elementwise.Map<Multiply>(left, right)).Reshape(1);
    }
}

/// <summary>r from |U - W0|^2, |W - W0|^2 and sum(g (W - W0)); 0 where the last is not above 0.</summary>
public readonly struct ProductRatio : ITernary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T after, T before, T product) where T : struct, ILane<T>
    {
        T zero = T.Of(0.0), outer = T.Sqrt(T.Max(after, zero)), inner = T.Sqrt(T.Max(before, zero));
        T ratio = T.Min(T.Max((outer - inner) / outer, zero), T.Of(1.0));
        return T.IfGreater(product, zero, T.IfGreater(outer, zero, ratio, zero), zero);
    }
}

/// <summary>(1 - scale) x.</summary>
public readonly struct ShrinkBy : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x, T scale) where T : struct, ILane<T> => x - scale * x;
}
