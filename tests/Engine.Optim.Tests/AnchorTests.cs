using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Optim.Tests;

/// <summary>Anchors that cost little, LoRA's anchors, and the guards.</summary>
public sealed class AnchorTests
{
    static AdamSpd Spd(Parameter[] parameters, AnchorOptions anchors, double lambda = 1, double rate = 0.05, bool products = false) =>
        new(new(parameters), new() { LearningRate = rate, Projection = new() { Lambda = lambda, Anchors = anchors, LowRankProducts = products } });

    [Theory, InlineData(AnchorStorage.Host), InlineData(AnchorStorage.Mapped)]
    public void Anchors_elsewhere_give_the_bits_of_anchors_beside_the_weights(AnchorStorage storage)
    {
        Parameter[] near = TestModel.Create(TestModel.AwkwardSizes), far = TestModel.Create(TestModel.AwkwardSizes);
        Dictionary<string, Tensor> file = far.ToDictionary(parameter => parameter.Name, parameter => parameter.Value.Clone());
        AdamSpd expected = Spd(near, new()), optimizer = Spd(far, new() { Storage = storage, Source = file.GetValueOrDefault, PartLength = 3000 });
        TestModel.Train(expected, near, 0, 12);
        TestModel.Train(optimizer, far, 0, 12);
        Assert.Null(optimizer.Arena.Anchors);
        Assert.Equal(TestModel.Weights(expected.Arena), TestModel.Weights(optimizer.Arena));
        Assert.Equal(expected.Projection.Trace, optimizer.Projection.Trace);
        Assert.Equal(storage == AnchorStorage.Host, optimizer.SaveState().ContainsKey("anchor.layers.0.weight"));
    }

    [Fact]
    public void A_source_without_a_parameter_is_an_error_that_names_it() => Assert.Contains("no 'layers.0.weight'",
        Assert.Throws<ArgumentException>(() => Spd(TestModel.Create(4), new() { Storage = AnchorStorage.Mapped, Source = _ => null })).Message);

    // Weights of 1 round to bfloat16 by up to 2^-9 of themselves: near the anchor c is noise, at a distance it is not.
    [Theory, InlineData(2e-5, 0.02, 1.0), InlineData(0.05, 0.0, 0.02)]
    public void Anchors_in_bfloat16_turn_the_sign_of_c_where_the_deviation_is_small(double rate, double least, double most)
    {
        int[] sizes = [.. Enumerable.Repeat(2000, 30)];
        Parameter[] exact = TestModel.Create(sizes), narrow = TestModel.Create(sizes);
        AdamSpd expected = Spd(exact, new(), lambda: 0, rate), optimizer = Spd(narrow, new() { Storage = AnchorStorage.BFloat16 }, lambda: 0, rate);
        TestModel.Train(expected, exact, 0, 30);
        TestModel.Train(optimizer, narrow, 0, 30);
        SpdTraceRow[] right = [.. expected.Projection.Trace], ours = [.. optimizer.Projection.Trace];
        int skip = sizes.Length, turned = Enumerable.Range(skip, right.Length - skip).Count(i => right[i].Condition < 0 != ours[i].Condition < 0);
        Assert.InRange((double)turned / (right.Length - skip), least, most);
        Assert.True(optimizer.Arena.AnchorRounding(optimizer.Arena.Segments[0]) > 0);
        Assert.Equal(least > 0, optimizer.Warnings().Any(warning => warning is { Kind: OptimizerWarningKind.NarrowDifference, Layer: "layers.0.weight" }));
        Assert.Equal(0, expected.Arena.AnchorRounding(expected.Arena.Segments[0]));
    }

    [Fact]
    public void Anchors_in_bfloat16_lose_nothing_of_weights_that_came_from_it()
    {
        Parameter[] exact = TestModel.Create(300, 5000), narrow = TestModel.Create(300, 5000);
        foreach (Parameter parameter in (Parameter[])[.. exact, .. narrow]) parameter.Load(parameter.Value.To(DType.BFloat16).To(DType.Float32));
        AdamSpd expected = Spd(exact, new()), optimizer = Spd(narrow, new() { Storage = AnchorStorage.BFloat16 });
        TestModel.Train(expected, exact, 0, 12);
        TestModel.Train(optimizer, narrow, 0, 12);
        Assert.Equal(TestModel.Weights(expected.Arena), TestModel.Weights(optimizer.Arena));
    }

    [Fact]
    public void Adapters_may_be_anchored_at_their_start()
    {
        Parameter[] parameters = TestModel.Create(50);
        parameters[0].ZeroAnchor = true;
        float[] start = parameters[0].Value.ToArray<float>();
        ParameterArena arena = new(parameters);
        arena.Anchor(new());
        Assert.All(arena.AnchorOf(arena.Segments[0]).ToArray<float>(), value => Assert.Equal(0, value));
        arena.Anchor(new() { AdaptersAtStart = true });
        Assert.Equal(start, arena.AnchorOf(arena.Segments[0]).ToArray<float>());
    }

    [Fact]
    public void A_low_rank_pair_is_projected_by_its_product()
    {
        Parameter a = new("x.lora.a", TestModel.Draw(1, 4 * 30, 1).Reshape(4, 30)) { ZeroAnchor = true }, b = new("x.lora.b", TestModel.Draw(2, 20 * 4, 0.1).Reshape(20, 4)) { ZeroAnchor = true };
        Parameter plainA = new("x.lora.a", a.Value) { ZeroAnchor = true }, plainB = new("x.lora.b", b.Value) { ZeroAnchor = true };
        AdamSpd optimizer = Spd([a, b], new(), lambda: 0.8, products: true);
        Adam adam = new(new([plainA, plainB]), new() { LearningRate = 0.05 });
        int projected = 0;
        for (int step = 0; step < 20; step++)
        {
            plainA.Load(a.Value);
            plainB.Load(b.Value);
            TestModel.Differentiate([a, b], step);
            TestModel.Differentiate([plainA, plainB], step);
            double before = Norm(a, b), c = -Dot(b.Gradient!, b.Value);
            optimizer.Step();
            adam.Step();                                        // U from the same weights and moments
            double after = Norm(plainA, plainB), ratio = c < 0 ? Math.Clamp((after - before) / after, 0, 1) : 0;
            TensorAssert.SameBits(a.Value, plainA.Value, "A is free");
            TensorAssert.Close(b.Value, Elementwise.Map(new Scale((float)(1 - 0.8 * ratio)), plainB.Value), 1e-5, 1e-6, $"B in step {step}");
            SpdTraceRow row = optimizer.Projection.Trace.Latest[1];
            Assert.Equal(c, row.Condition, 1e-4);
            Assert.Equal(ratio, row.Ratio, 1e-4);
            Assert.Equal(Norm(a, b), row.Deviation, 1e-3);
            if (row.Projected) projected++;
        }

        Assert.True(projected > 3);
    }

    [Fact]
    public void Guards_name_the_layer_and_what_it_means()
    {
        Parameter[] parameters = TestModel.Create(40, 40, 40, 40);
        parameters[1].IsFresh = true;
        parameters[2].Value.Backend.Fill(0, parameters[2].Value);
        parameters[2].ZeroAnchor = true;
        AdamSpd optimizer = Spd(parameters, new() { IncludeFresh = true }, lambda: 50);
        for (int step = 0; step < 25; step++)
        {
            optimizer.ZeroGradients();
            TestModel.Differentiate(parameters, step);
            parameters[2].ZeroGradient();
            parameters[2].Backward(Tensor.Zeros([40]));
            optimizer.Step();
        }

        parameters[3].Trainable = false;
        IReadOnlyList<OptimizerWarning> warnings = optimizer.Warnings();
        Assert.Contains(warnings, warning => warning.Kind == OptimizerWarningKind.Overshoot && warning.Message.StartsWith($"{warning.Layer}: lambda r was", StringComparison.Ordinal));
        Assert.Contains(warnings, warning => warning is { Kind: OptimizerWarningKind.FreshAnchored, Layer: "layers.1.weight" });
        Assert.Contains(warnings, warning => warning is { Kind: OptimizerWarningKind.AdapterAtZero, Layer: "layers.2.weight" });
        Assert.Contains(warnings, warning => warning is { Kind: OptimizerWarningKind.FrozenWithState, Layer: "layers.3.weight" });
        Assert.DoesNotContain(warnings, warning => warning.Kind is OptimizerWarningKind.NeverProjected or OptimizerWarningKind.NarrowDifference);
        Assert.All(warnings, warning => Assert.DoesNotContain('\n', warning.Message));

        Parameter[] still = TestModel.Create(8);
        AdamSpd never = Spd(still, new());
        for (int step = 0; step < 25; step++)
        {
            still[0].ZeroGradient();
            still[0].Backward(Tensor.Ones([8]));
            never.Step();
        }

        Assert.Equal([OptimizerWarningKind.NeverProjected], never.Warnings().Select(warning => warning.Kind));
    }

    [Fact]
    public void The_condition_before_clipping_is_that_of_the_raw_gradient()
    {
        Parameter[] parameters = TestModel.Create(300), plain = TestModel.Create(300);
        AdamSpd optimizer = new(new(parameters), new() { Projection = new() { Condition = ConditionGradient.BeforeClipping } });
        AdamSpd unclipped = Spd(plain, new(), rate: 1e-3);
        for (int step = 0; step < 5; step++)
        {
            plain[0].Load(parameters[0].Value);
            TestModel.Differentiate(parameters, step);
            TestModel.Differentiate(plain, step);
            optimizer.BeforeClipping();
            Clipping.ByValue(optimizer.Arena, 0.1);
            optimizer.Step();
            unclipped.Step();
            double raw = unclipped.Projection.Trace.Latest[0].Condition;
            Assert.Equal(raw, optimizer.Projection.Trace.Latest[0].Condition, 1e-5 + 1e-4 * Math.Abs(raw));
        }
    }

    static double Norm(Parameter a, Parameter b)
    {
        Tensor product = Matrices.MatMul(b.Value.To(DType.Float64), a.Value.To(DType.Float64));
        return Math.Sqrt(Reduction.SumOfSquares(product).Item());
    }

    static double Dot(Tensor a, Tensor b) => Reduction.Sum(Elementwise.Map<Multiply>(a.To(DType.Float64), b.To(DType.Float64))).Item();
}
