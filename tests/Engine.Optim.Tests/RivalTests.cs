using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Optim.Tests;

/// <summary>What the methods beside the optimizers do, and the settings that fixtures leave out.</summary>
public sealed class RivalTests
{
    public static TheoryData<string> Kinds => [.. Methods.Kinds];

    [Theory, MemberData(nameof(Kinds))]
    public void Tensors_of_all_shapes_resume_bit_by_bit(string kind)
    {
        Parameter[] straight = Methods.OddShapes(), first = Methods.OddShapes(), second = Methods.OddShapes();
        TestModel.Train(Methods.Create(kind, new(straight)), straight, 0, 10);
        Optimizer before = Methods.Create(kind, new(first));
        TestModel.Train(before, first, 0, 4);
        Dictionary<string, Tensor> saved = before.SaveState().ToDictionary(item => item.Key, item => item.Value.Clone());
        for (int i = 0; i < second.Length; i++) second[i].Load(first[i].Value);
        Optimizer after = Methods.Create(kind, new(second));
        after.LoadState(saved);
        TestModel.Train(after, second, 4, 10);
        for (int i = 0; i < second.Length; i++) TensorAssert.SameBits(second[i].Value, straight[i].Value, $"{kind}: {second[i].Shape}");
    }

    [Fact]
    public void What_has_no_anchor_takes_the_plain_step()
    {
        foreach (bool isMars in (bool[])[true, false])
        {
            Parameter[] parameters = TestModel.Create(300, 300), plain = TestModel.Create(300, 300);
            AnchorOptions anchors = new() { Exclude = ["layers.1.*"] };
            Optimizer held = isMars ? new MarsSp(new(parameters), new() { LearningRate = 0.05, Radius = 0.1, Anchors = anchors })
                : new AdamFtp(new(parameters), new() { LearningRate = 0.05, Anchors = anchors });
            TestModel.Train(held, parameters, 0, 5);
            TestModel.Train(new Adam(new(plain), new() { LearningRate = 0.05 }), plain, 0, 5);
            Assert.NotEqual(plain[0].Value.ToArray<float>(), parameters[0].Value.ToArray<float>());
            TensorAssert.Close(parameters[1].Value, plain[1].Value, 1e-6, 1e-7, isMars ? "MARS-SP" : "FTP");
        }
    }

    [Fact]
    public void A_head_may_have_a_radius_of_its_own_around_zero()
    {
        Parameter head = new("head.weight", TestModel.Draw(3, 60, 1).Reshape(6, 10));
        MarsSp optimizer = new(new([head]), new() { LearningRate = 0.05, HeadRadius = 0.5 });
        TestModel.Train(optimizer, [head], 0, 1);
        Assert.All(head.Value.ToArray<float>().Chunk(10), row => Assert.True(row.Sum(MathF.Abs) <= 0.5f + 1e-5f));
    }

    [Fact]
    public void FTP_stays_at_the_anchor_in_its_first_step()
    {
        Parameter[] parameters = Methods.OddShapes();
        Tensor[] start = [.. parameters.Select(parameter => parameter.Value.Clone())];
        TestModel.Train(new AdamFtp(new(parameters), new() { LearningRate = 0.05 }), parameters, 0, 1);
        for (int i = 0; i < start.Length; i++) TensorAssert.Close(parameters[i].Value, start[i], 1e-7, 2e-8, $"{start[i].Shape}");
    }

    [Theory, InlineData(TpgmNorm.L2), InlineData(TpgmNorm.Mars)]
    public void TPGM_resumes_between_iterations_and_never_leaves_the_way_to_the_tuned_weights(TpgmNorm norm)
    {
        (Tpgm straight, Parameter[] expected) = Begun(norm);
        Iterate(straight, expected, 0, 12);
        (Tpgm first, Parameter[] parameters) = Begun(norm);
        Iterate(first, parameters, 0, 5);
        Dictionary<string, Tensor> saved = first.SaveState().ToDictionary(item => item.Key, item => item.Value.Clone());
        Parameter[] others = Methods.OddShapes();
        Tpgm second = new(new(others), new() { Norm = norm, RadiusLearningRate = 0.05 });
        for (int i = 0; i < others.Length; i++) others[i].Load(parameters[i].Value);
        second.LoadState(saved);
        Iterate(second, others, 5, 12);
        Parameter[] start = Methods.OddShapes();
        for (int i = 0; i < others.Length; i++)
        {
            TensorAssert.SameBits(others[i].Value, expected[i].Value, $"{others[i].Shape}");
            float[] w = others[i].Value.ToArray<float>(), w0 = start[i].Value.ToArray<float>(), w1 = Tuned(start[i], i).ToArray<float>();
            for (int j = 0; j < w.Length; j++) Assert.InRange(w[j], Math.Min(w0[j], w1[j]) - 1e-6f, Math.Max(w0[j], w1[j]) + 1e-6f);
        }

        Assert.Equal(12, second.Iterations);
    }

    static (Tpgm, Parameter[]) Begun(TpgmNorm norm)
    {
        Parameter[] parameters = Methods.OddShapes();
        Tpgm tpgm = new(new(parameters), new() { Norm = norm, RadiusLearningRate = 0.05 });
        for (int i = 0; i < parameters.Length; i++) parameters[i].Load(Tuned(parameters[i], i));
        tpgm.Begin();
        return (tpgm, parameters);
    }

    static Tensor Tuned(Parameter parameter, int i) =>
        Elementwise.Map<Add>(parameter.Value, TestModel.Draw(900 + i, (int)parameter.Value.ElementCount, 0.2).Reshape(parameter.Shape));

    // The sum of products with drawn numbers: its gradient is those numbers.
    static void Iterate(Tpgm tpgm, Parameter[] parameters, int from, int to)
    {
        for (int step = from; step < to; step++)
        {
            tpgm.Iterate(() =>
            {
                Variable total = new(Tensor.Zeros([]));
                for (int i = 0; i < parameters.Length; i++)
                    total = Functions.Add(total, Functions.Sum(Functions.Multiply(parameters[i], new Variable(TestModel.Draw(31 * step + i, (int)parameters[i].Value.ElementCount, 1).Reshape(parameters[i].Shape)))));
                return total;
            });
        }
    }

    [Fact]
    public void WiseFt_scales_the_change_of_a_low_rank_pair()
    {
        Parameter a = new("lora.a", TestModel.Draw(1, 12, 1).Reshape(2, 6)) { ZeroAnchor = true }, b = new("lora.b", Tensor.Zeros([5, 2])) { ZeroAnchor = true };
        Parameter head = new("head", TestModel.Draw(4, 3, 1)), weight = new("weight", TestModel.Draw(5, 3, 1)) { IsFresh = false };
        float[] start = weight.Value.ToArray<float>();
        WiseFt between = new([a, b, head, weight]);
        a.Value.CopyFrom(TestModel.Draw(6, 12, 1).Reshape(2, 6));
        b.Value.CopyFrom(TestModel.Draw(7, 10, 1).Reshape(5, 2));
        weight.Value.CopyFrom(TestModel.Draw(8, 3, 1));
        float[] tuned = weight.Value.ToArray<float>(), free = head.Value.ToArray<float>(), product = Product();
        IReadOnlyList<(double Alpha, float[] Product)> curve = between.Curve([0, 0.25, 1], Product);
        for (int i = 0; i < product.Length; i++)
        {
            Assert.Equal(0, curve[0].Product[i]);
            Assert.Equal(0.25f * product[i], curve[1].Product[i], 1e-6f);
            Assert.Equal(product[i], curve[2].Product[i]);
        }

        between.Mix(0);
        Assert.Equal(start, weight.Value.ToArray<float>());
        Assert.Equal(free, head.Value.ToArray<float>());
        between.Mix(1);
        Assert.Equal(tuned, weight.Value.ToArray<float>());

        float[] Product() => Matrices.MatMul(b.Value, a.Value).ToArray<float>();
    }

    [Fact]
    public void Depth_is_read_from_names_of_all_families()
    {
        string[] names = ["head.weight", "patch_embed.proj.weight", "layers.0.blocks.0.attn.weight", "layers.0.blocks.1.mlp.fc1.weight", "layers.1.downsample.reduction.weight", "layers.1.blocks.0.attn.weight", "norm.weight"];
        ParameterDepth depth = new(names.Select(name => new Parameter(name, Tensor.Zeros([1]))));
        Assert.Equal([5, 0, 1, 2, 3, 4, 5], names.Select(depth.Of));
        Assert.Equal([0, 1, 0.8], new[] { names[0], names[1], names[2] }.Select(depth.Falling).Select(value => Math.Round(value, 12)));
        Assert.Contains("'absent' is none", Assert.Throws<ArgumentException>(() => depth.Of("absent")).Message);
    }

    [Fact]
    public void Methods_settings_out_of_range_are_refused()
    {
        ParameterArena arena = new(TestModel.Create(4));
        Assert.Throws<ArgumentException>(() => new MarsSp(arena, new() { Radius = -1 }));
        Assert.Throws<ArgumentException>(() => new AdamFtp(arena, new() { Annealing = double.NaN }));
        Assert.Throws<ArgumentException>(() => new DiGraP(arena, new() { FixedOmega = 2 }));
        Assert.Throws<ArgumentException>(() => new AdamFtp(arena, new() { Projection = new() }));
        Assert.Throws<ArgumentException>(() => new Sgd(arena, new() { Projection = new() { Condition = ConditionGradient.Averaged } }));
        Assert.Throws<ArgumentException>(() => new AdamSpd(arena, new() { Projection = new() { LowRankProducts = true } }));
        Assert.Throws<ArgumentException>(() => new AdamSpd(arena, new() { Projection = new() { ConditionDecay = 1 } }));
        Assert.Throws<ArgumentException>(() => new AdamSpd(arena, new() { Projection = new() { Anchors = new() { Storage = AnchorStorage.Mapped } } }));
        Assert.Throws<ArgumentException>(() => LayerDecay.Scales(3, 0));
        Assert.Throws<InvalidOperationException>(() => new Tpgm(arena, new()).Iterate(() => new Variable(Tensor.Zeros([]))));
    }
}
