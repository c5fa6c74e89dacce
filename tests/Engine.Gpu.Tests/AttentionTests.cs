using Engine.Tensors;
using Engine.Testing;
using static Engine.Gpu.Tests.AttentionProblem;

namespace Engine.Gpu.Tests;

public sealed class AttentionTests
{
    public static TheoryData<AttentionProblem> Problems()
    {
        TheoryData<AttentionProblem> data = [];
        foreach (MaskKind mask in Enum.GetValues<MaskKind>())
        {
            foreach (bool causal in (bool[])[false, true])
            {
                data.Add(new AttentionProblem(2, 4, 4, 37, 37, 16, 16, causal) { Mask = mask });
                data.Add(new AttentionProblem(2, 4, 2, 5, 70, 24, 8, causal) { Mask = mask, Layout = Rows.Fused });
                data.Add(new AttentionProblem(2, 3, 1, 61, 20, 7, 13, causal) { Mask = mask, Layout = Rows.Flipped });
                data.Add(new AttentionProblem(4, 3, 3, 16, 16, 20, 20, causal) { Mask = mask });
            }
        }

        foreach (int width in (int[])[1, 3, 33, 64, 100, 128, 256]) data.Add(new AttentionProblem(1, 2, 1, 50, 51, width, 257 - width));
        foreach (int length in (int[])[1, 2, 15, 31, 32, 33, 49, 64, 65, 197]) data.Add(new AttentionProblem(1, 5, 5, length, length, 32, 32, length % 2 == 0));
        data.Add(new AttentionProblem(2, 2, 1, 100, 300, 160, 160, true) { Mask = MaskKind.Added });
        data.Add(new AttentionProblem(1, 2, 1, 200, 330, 8, 8, true) { Mask = MaskKind.SeenByNobody });
        data.Add(new AttentionProblem(3, 2, 2, 70, 70, 16, 16) { Layout = Rows.Shared });

        // A few queries and many keys: pieces put together.
        data.Add(new AttentionProblem(2, 4, 2, 1, 1000, 64, 64, true) { Mask = MaskKind.Padding });
        data.Add(new AttentionProblem(1, 4, 1, 3, 513, 40, 100, true) { Mask = MaskKind.Added });
        data.Add(new AttentionProblem(2, 2, 2, 4, 256, 16, 256) { Mask = MaskKind.SeenByNobody, Layout = Rows.Fused });
        return data;
    }

    [Theory, MemberData(nameof(Problems))]
    public void Float32_matches_the_processor(AttentionProblem p) => Compare(p, DType.Float32, DType.Float32, 5e-5);

    [Theory, MemberData(nameof(Problems))]
    public void Float64_matches_the_processor(AttentionProblem p) => Compare(p, DType.Float64, DType.Float64, 1e-11);

    // The operands are exact in 16 bits: what remains is the rounding of y, which delta is computed from, and of the results.
    [Theory]
    [InlineData(DType.BFloat16, 3e-2)]
    [InlineData(DType.Float16, 4e-3)]
    public void Sixteen_bits_in_memory_are_computed_with_as_floats(DType stored, double tolerance)
    {
        Compare(new(2, 4, 2, 70, 90, 40, 24, true) { Mask = MaskKind.Added }, DType.Float32, stored, tolerance);
        Compare(new(3, 2, 2, 16, 16, 32, 32), DType.Float32, stored, tolerance);
        Compare(new(1, 4, 2, 1, 700, 32, 32) { Layout = Rows.Fused }, DType.Float32, stored, tolerance);
    }

    static void Compare(AttentionProblem p, DType computed, DType stored, double tolerance)
    {
        Device gpu = Gpu();
        Results expected = p.Solve(p.Create(Device.Parse("cpu"), computed, stored)), actual = p.Solve(p.Create(gpu, stored));
        foreach (((string name, Tensor right), (_, Tensor ours)) in expected.All.Zip(actual.All))
            TensorAssert.Close(OnHost(ours).To(computed), right, tolerance, tolerance * p.Heads / p.Groups, $"{name} of {p}");
    }

    [Fact]
    public void Two_runs_give_the_same_bits()
    {
        Device gpu = Gpu();
        foreach (AttentionProblem p in (AttentionProblem[])[new(2, 4, 2, 150, 150, 40, 72, true) { Mask = MaskKind.Added }, new(1, 4, 2, 1, 900, 64, 64), new(7, 3, 3, 16, 16, 32, 32)])
        {
            Operands o = p.Create(gpu, DType.Float32);
            Results first = p.Solve(o), second = p.Solve(o);
            foreach (((string name, Tensor a), (_, Tensor b)) in first.All.Zip(second.All)) TensorAssert.SameBits(OnHost(b), OnHost(a), name);
        }
    }

    [Fact]
    public void A_gradient_does_not_depend_on_which_others_are_wanted()
    {
        AttentionProblem p = new(2, 4, 2, 70, 90, 40, 100);
        Operands o = p.Create(Gpu(), DType.Float32);
        Results all = p.Solve(o);
        Tensor dquery = all.DQuery.EmptyLike(), dkey = all.DKey.EmptyLike(), dvalue = all.DValue.EmptyLike();
        p.Gradients(o, all, dquery, null, null);
        p.Gradients(o, all, null, dkey, null);
        p.Gradients(o, all, null, null, dvalue);
        TensorAssert.SameBits(OnHost(dquery), OnHost(all.DQuery), "dquery alone");
        TensorAssert.SameBits(OnHost(dkey), OnHost(all.DKey), "dkey alone");
        TensorAssert.SameBits(OnHost(dvalue), OnHost(all.DValue), "dvalue alone");
    }

    [Theory]
    [InlineData(1, 700)]
    [InlineData(20, 20)]
    [InlineData(70, 70)]
    public void A_NaN_in_a_query_stays_in_its_row(int queries, int keys)
    {
        Device gpu = Gpu();
        AttentionProblem p = new(1, 2, 2, queries, keys, 16, 16);
        Operands o = p.Create(Device.Parse("cpu"), DType.Float32);
        o.Query.AsSpan<float>()[(queries - 1) * 16 + 3] = float.NaN;
        float[] y = OnHost(p.Forward(new(o.Query.To(gpu), o.Key.To(gpu), o.Value.To(gpu), o.DY.To(gpu), null)).Y).ToArray<float>();
        Assert.All(y.Index(), x => Assert.Equal(x.Index / 16 == queries - 1, float.IsNaN(x.Item)));
    }

    [Theory]
    [InlineData(1e2)]
    [InlineData(1e4)]
    public void Extreme_scores_give_no_NaN(double spread)
    {
        AttentionProblem p = new(1, 2, 2, 70, 200, 16, 16) { Spread = spread };
        foreach ((string name, Tensor x) in p.Solve(p.Create(Gpu(), DType.Float32)).All)
            Assert.All(OnHost(x).ToArray<float>(), v => Assert.True(float.IsFinite(v), name));
    }

    static Tensor OnHost(Tensor x) => x.To(Device.Parse("cpu"));

    static Device Gpu()
    {
        try
        {
            return GpuDevices.Select("opencl");
        }
        catch (DeviceException absent)
        {
            Assert.Skip(absent.Message);
            throw;
        }
    }
}
