using static Engine.Tensors.Tests.AttentionCase;

namespace Engine.Tensors.Tests;

public sealed class AttentionTests
{
    public static TheoryData<AttentionCase> Cases()
    {
        TheoryData<AttentionCase> data = [];
        foreach (MaskKind mask in Enum.GetValues<MaskKind>())
        {
            foreach (bool causal in (bool[])[false, true])
            {
                data.Add(new AttentionCase(2, 4, 4, 37, 37, 16, 16, causal, mask));
                data.Add(new AttentionCase(2, 4, 2, 5, 70, 24, 8, causal, mask, Fused: true));
                data.Add(new AttentionCase(1, 3, 1, 61, 20, 7, 13, causal, mask));
            }
        }

        foreach (int width in (int[])[1, 2, 3, 8, 33, 64, 100, 128, 256]) data.Add(new AttentionCase(1, 2, 1, 50, 51, width, 257 - width));
        foreach (int keys in (int[])[1, 2, 6, 15, 16, 17, 18, 31, 32, 197]) data.Add(new AttentionCase(1, 2, 2, keys, keys, 32, 32, keys % 2 == 0));
        data.Add(new AttentionCase(2, 2, 1, 100, 700, 160, 160, true, MaskKind.Added));
        data.Add(new AttentionCase(1, 2, 1, 600, 1100, 8, 8, true, MaskKind.SeenByNobody));
        data.Add(new AttentionCase(1, 1, 1, 130, 530, 64, 64, false, MaskKind.Padding, Fused: true));
        return data;
    }

    [Theory, MemberData(nameof(Cases))]
    public void Float32_matches_the_formula(AttentionCase c) => Compare(c, DType.Float32, 2e-5);

    [Theory, MemberData(nameof(Cases))]
    public void Float64_matches_the_formula(AttentionCase c) => Compare(c, DType.Float64, 1e-12);

    static void Compare(AttentionCase c, DType dtype, double tolerance)
    {
        Operands o = c.Create(dtype);
        Solution s = c.Solve(o);
        (Tensor y, Tensor logSumExp) = Attention.Forward(o.Query, o.Key, o.Value, o.Mask, c.Options);
        Near.Check(y, s.Y, tolerance, "y");
        Near.Check(logSumExp, s.LogSumExp, tolerance, "logSumExp");
        bool wantsMask = o.Mask is { } mask && mask.DType == dtype;
        var (dquery, dkey, dvalue, dmask) = Attention.Gradient(o.DY, o.Query, o.Key, o.Value, o.Mask, c.Options, y, logSumExp, wantsMask);
        Near.Check(dquery, s.DQuery, 4 * tolerance, "dquery");
        Near.Check(dkey, s.DKey, 4 * tolerance, "dkey");
        Near.Check(dvalue, s.DValue, 4 * tolerance, "dvalue");
        if (!wantsMask)
        {
            Assert.Null(dmask);
            return;
        }

        Tensor scores = Tensor.From(s.DScores, [c.Batch, c.Heads, c.Queries, c.Keys]);
        Near.Check(dmask!, Reduction.SumTo(scores, o.Mask!.Shape).ToArray<double>(), 4 * tolerance, "dmask");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradients_match_central_differences(bool causal)
    {
        AttentionCase c = new(1, 2, 1, 5, 7, 3, 4, causal, MaskKind.Added);
        Operands o = c.Create(DType.Float64);
        double[] weights = o.DY.ToArray<double>();
        (Tensor y, Tensor logSumExp) = Attention.Forward(o.Query, o.Key, o.Value, o.Mask, c.Options);
        var (dquery, dkey, dvalue, dmask) = Attention.Gradient(o.DY, o.Query, o.Key, o.Value, o.Mask, c.Options, y, logSumExp, true);
        Verify(o.Query, dquery, x => Attention.Forward(x, o.Key, o.Value, o.Mask, c.Options).Y);
        Verify(o.Key, dkey, x => Attention.Forward(o.Query, x, o.Value, o.Mask, c.Options).Y);
        Verify(o.Value, dvalue, x => Attention.Forward(o.Query, o.Key, x, o.Mask, c.Options).Y);
        Verify(o.Mask!, dmask!, x => Attention.Forward(o.Query, o.Key, o.Value, x, c.Options).Y);

        void Verify(Tensor x, Tensor dx, Func<Tensor, Tensor> forward) =>
            Near.Check(dx, Near.Differences(forward, x.ToArray<double>(), x.Shape, weights), 1e-7, $"gradient of {x.Shape}");
    }

    [Theory]
    [InlineData(1e4)]
    [InlineData(1e2)]
    public void Extreme_scores_give_no_NaN(double spread)
    {
        AttentionCase c = new(1, 2, 2, 40, 600, 16, 16, Spread: spread);
        Operands o = c.Create(DType.Float32);
        (Tensor y, Tensor logSumExp) = Attention.Forward(o.Query, o.Key, o.Value, o.Mask, c.Options);
        var (dquery, dkey, dvalue, _) = Attention.Gradient(o.DY, o.Query, o.Key, o.Value, o.Mask, c.Options, y, logSumExp);
        foreach (Tensor x in (Tensor[])[y, logSumExp, dquery, dkey, dvalue]) Assert.All(x.ToArray<float>(), v => Assert.True(float.IsFinite(v)));
    }

    [Fact]
    public void A_NaN_in_the_operands_is_not_hidden()
    {
        AttentionCase c = new(1, 1, 1, 20, 20, 16, 16);
        Operands o = c.Create(DType.Float32);
        o.Query.Reshape(-1).Slice(0, 3 * 16, 3 * 16 + 1).CopyFrom<float>([float.NaN]);
        float[] y = Attention.Forward(o.Query, o.Key, o.Value, null, c.Options).Y.ToArray<float>();
        for (int i = 0; i < y.Length; i++) Assert.Equal(i / 16 == 3, float.IsNaN(y[i]));
    }

    [Fact]
    public void Gradients_go_straight_into_a_fused_tensor()
    {
        const int Batch = 2, Length = 9, Heads = 3, Width = 8;
        Shape shape = [Batch, Length, 3, Heads, Width];
        Tensor fused = Tensor.From(Near.Draw((int)shape.ElementCount, 1).Select(x => (float)x).ToArray(), shape), dfused = fused.EmptyLike();
        Tensor[] parts = Split(fused), gradients = Split(dfused);
        Tensor y = fused.EmptyLike([Batch, Length, Heads, Width]), heads = y.Permute(0, 2, 1, 3);
        AttentionOptions options = new(0.3f);
        Tensor logSumExp = Attention.ForwardInto(parts[0], parts[1], parts[2], null, options, heads);
        Attention.GradientInto(heads, parts[0], parts[1], parts[2], null, options, heads, logSumExp, gradients[0], gradients[1], gradients[2]);

        (Tensor apart, _) = Attention.Forward(parts[0].Contiguous(), parts[1].Contiguous(), parts[2].Contiguous(), null, options);
        Assert.Equal(apart.ToArray<float>(), heads.ToArray<float>());
        Assert.True(apart.Permute(0, 2, 1, 3).IsContiguous);
        var (dquery, dkey, dvalue, _) = Attention.Gradient(apart, parts[0], parts[1], parts[2], null, options, apart, logSumExp);
        Assert.Equal(dquery.ToArray<float>(), gradients[0].ToArray<float>());
        Assert.Equal(dkey.ToArray<float>(), gradients[1].ToArray<float>());
        Assert.Equal(dvalue.ToArray<float>(), gradients[2].ToArray<float>());

        static Tensor[] Split(Tensor x) => [.. Enumerable.Range(0, 3).Select(i => x.Select(2, i).Permute(0, 2, 1, 3))];
    }

    [Fact]
    public void Empty_operands_give_zeros()
    {
        Tensor Zeros(params int[] shape) => Tensor.Ones(Shape.Create(shape));
        (Tensor y, Tensor logSumExp) = Attention.Forward(Zeros(1, 2, 3, 4), Zeros(1, 2, 0, 4), Zeros(1, 2, 0, 5));
        Assert.All(y.ToArray<float>(), v => Assert.Equal(0, v));
        Assert.All(logSumExp.ToArray<float>(), v => Assert.Equal(float.NegativeInfinity, v));
        var (dquery, dkey, _, _) = Attention.Gradient(y, Zeros(1, 2, 3, 4), Zeros(1, 2, 0, 4), Zeros(1, 2, 0, 5), null, new(1), y, logSumExp);
        Assert.All(dquery.ToArray<float>(), v => Assert.Equal(0, v));
        Assert.Equal([1, 2, 0, 4], dkey.Shape);
        Assert.Equal([0, 2, 3, 5], Attention.Forward(Zeros(0, 2, 3, 4), Zeros(0, 2, 6, 4), Zeros(0, 2, 6, 5)).Y.Shape);

        // Without features everybody is seen alike.
        Assert.All(Attention.Forward(Zeros(1, 2, 3, 0), Zeros(1, 2, 6, 0), Zeros(1, 2, 6, 5)).Y.ToArray<float>(), v => Assert.Equal(1, v, 1e-6f));
    }

    [Fact]
    public void Refuses_what_does_not_fit()
    {
        Tensor Make(params int[] shape) => Tensor.Ones(Shape.Create(shape));
        Tensor q = Make(1, 4, 3, 8), k = Make(1, 2, 5, 8), v = Make(1, 2, 5, 6);
        Refused("heads", () => Attention.Forward(q, Make(1, 3, 5, 8), Make(1, 3, 5, 6)));
        Refused("head size", () => Attention.Forward(q, Make(1, 2, 5, 7), v));
        Refused("length", () => Attention.Forward(q, k, Make(1, 2, 4, 6)));
        Refused("mask", () => Attention.Forward(q, k, v, Make(3, 4)));
        Refused("mask", () => Attention.Forward(q, k, v, Tensor.Ones([3, 5], DType.Float64)));
        Refused("[B, H, N, D]", () => Attention.Forward(Make(4, 3, 8), k, v));
        Refused("stride", () => Attention.ForwardInto(q, k, v, null, new(1), Make(1, 4, 6, 3).Transpose()));

        static void Refused(string part, Action action) =>
            Assert.Contains(part, Assert.Throws<ShapeException>(action).Message, StringComparison.Ordinal);
    }
}

/// <summary>Attention with vectors of every width; what the processor lacks is emulated.</summary>
[Trait("Device", "Cpu")]
public sealed class AttentionWidthTests
{
    static readonly AttentionCase Case = new(1, 2, 1, 50, 77, 24, 40, true, MaskKind.Added);

    [Fact]
    public void All_vector_widths_agree_with_the_formula()
    {
        Run<Scalar32>();
        Run<Lane128<float>>();
        Run<Lane256<float>>();
        Run<Lane512<float>>();
    }

    static void Run<TLane>() where TLane : struct, IVectorLane<TLane, float>
    {
        Operands o = Case.Create(DType.Float32);
        Solution s = Case.Solve(o);
        Tensor y = o.DY.EmptyLike(), logSumExp = o.DY.EmptyLike(o.DY.Shape[..3]);
        Tensor dquery = o.Query.EmptyLike(), dkey = o.Key.EmptyLike(), dvalue = o.Value.EmptyLike(), dmask = o.Mask!.EmptyLike();
        AttentionKernel forward = new(o.Query, o.Key, o.Value, o.Mask, Case.Options, y, logSumExp);
        forward.Run<TLane, float>();
        new AttentionGradientKernel(o.DY, forward, dquery, dkey, dvalue, dmask).Run<TLane, float>();
        string lane = typeof(TLane).Name;
        Near.Check(y, s.Y, 2e-5, $"{lane} y");
        Near.Check(dquery, s.DQuery, 1e-4, $"{lane} dquery");
        Near.Check(dkey, s.DKey, 1e-4, $"{lane} dkey");
        Near.Check(dvalue, s.DValue, 1e-4, $"{lane} dvalue");
        Near.Check(dmask, s.DScores, 1e-4, $"{lane} dmask");
    }
}
