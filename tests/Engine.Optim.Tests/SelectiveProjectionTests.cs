using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Optim.Tests;

public sealed class SelectiveProjectionTests
{
    [Fact]
    public void Agrees_with_the_algorithm_in_double_precision()
    {
        Parameter[] parameters = TestModel.Create(TestModel.AwkwardSizes);
        for (int i = 0; i < parameters.Length; i += 4) parameters[i].ZeroAnchor = true;
        DoubleSpd reference = new(parameters, learningRate: 0.02, lambda: 0.7);
        AdamSpd optimizer = new(new(parameters), new() { LearningRate = 0.02, Lambda = 0.7 });
        int projected = 0;
        for (int step = 0; step < 12; step++)
        {
            TestModel.Differentiate(parameters, step);
            optimizer.Step();
            for (int i = 0; i < parameters.Length; i++)
            {
                (double[] weights, double condition, double ratio) = reference.Step(i, parameters[i].Gradient!.ToArray<float>());
                TensorAssert.Close(parameters[i].Value, Tensor.From(weights, parameters[i].Shape), 1e-5, 2e-6, $"step {step}, layer {i}");
                SpdTraceRow row = optimizer.Projection.Trace.Latest[i];
                Assert.Equal(condition, row.Condition, 1e-4 + 1e-4 * Math.Abs(condition));
                Assert.Equal(ratio, row.Ratio, 1e-4);
                if (row.Projected) projected++;
            }
        }

        Assert.True(projected > 20, $"Only {projected} projections: the test shows nothing.");
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Lambda_0_is_Adam_to_the_bit(bool amsGrad)
    {
        Parameter[] plain = TestModel.Create(TestModel.AwkwardSizes), measured = TestModel.Create(TestModel.AwkwardSizes);
        Adam adam = new(new(plain), new() { LearningRate = 0.02, AmsGrad = amsGrad });
        AdamSpd spd = new(new(measured), new() { LearningRate = 0.02, AmsGrad = amsGrad, Lambda = 0 });
        TestModel.Train(adam, plain, 0, 8);
        TestModel.Train(spd, measured, 0, 8);
        Assert.Equal(TestModel.Weights(adam.Arena), TestModel.Weights(spd.Arena));
        Assert.Contains(spd.Projection.Trace, row => row.Ratio > 0);
        Assert.DoesNotContain(spd.Projection.Trace, row => row.Projected);
    }

    [Fact]
    public void A_selected_layer_never_moves_further_out_at_lambda_1()
    {
        Parameter[] parameters = TestModel.Create(TestModel.AwkwardSizes);
        AdamSpd optimizer = new(new(parameters), new() { LearningRate = 0.02, Lambda = 1 });
        TestModel.Train(optimizer, parameters, 0, 30);
        SpdTraceRow[] rows = [.. optimizer.Projection.Trace];
        int selected = 0;
        for (int i = parameters.Length; i < rows.Length; i++)
        {
            if (!rows[i].Projected) continue;
            selected++;
            Assert.True(rows[i].Deviation <= rows[i - parameters.Length].Deviation * (1 + 1e-5) + 1e-6, $"{rows[i]} after {rows[i - parameters.Length]}");
        }

        Assert.True(selected > 30);
    }

    [Fact]
    public void Nothing_is_projected_in_the_first_step_from_the_anchor()
    {
        Parameter[] parameters = TestModel.Create(100, 5000);
        AdamSpd optimizer = new(new(parameters), new() { Lambda = 2 });
        TestModel.Train(optimizer, parameters, 0, 1);
        Assert.All(optimizer.Projection.Trace, row =>
        {
            Assert.Equal(0, row.Condition);
            Assert.False(row.Projected);
            Assert.True(row.Deviation > 0);
        });
    }

    [Fact]
    public void Momentum_that_carries_a_layer_outward_against_its_gradient_is_taken_back()
    {
        // One weight, anchored at 0: two steps out, then a gradient that points back, which momentum overrules.
        Parameter weight = new("w", Tensor.Zeros([1])) { IsFresh = false };
        Sgd sgd = new(new([weight]), new() { LearningRate = 1, Momentum = 0.9, Projection = new() { Lambda = 1 } });
        Move(-1);
        Assert.Equal(1, weight.Value.ToArray<float>()[0]);
        Move(0.5f);                                      // direction 0.9 * -1 + 0.5 = -0.4: U = 1.4, r = 0.4 / 1.4
        Assert.Equal(1, weight.Value.ToArray<float>()[0], 1e-6f);
        SpdTraceRow row = sgd.Projection!.Trace.Latest[0];
        Assert.Equal((-0.5f, 0.4f / 1.4f), (row.Condition, row.Ratio));
        Assert.True(row.Projected);
        Move(-0.1f);                                     // descent itself asks to move out: left alone
        Assert.False(sgd.Projection.Trace.Latest[0].Projected);
        Assert.True(weight.Value.ToArray<float>()[0] > 1.4f);

        void Move(float gradient)
        {
            weight.ZeroGradient();
            weight.Backward(Tensor.From([gradient], [1]));
            sgd.Step();
        }
    }

    [Fact]
    public void Layers_without_an_anchor_are_measured_but_never_projected()
    {
        Parameter[] parameters = TestModel.Create(500, 500, 500);
        parameters[1].IsFresh = true;
        parameters[2].Name = "head.weight";
        Parameter[] plain = TestModel.Create(500, 500, 500);
        AdamSpd spd = new(new(parameters), new() { LearningRate = 0.05, Lambda = 1, Anchors = new() { Exclude = ["head.*"] } });
        Adam adam = new(new(plain), new() { LearningRate = 0.05 });
        TestModel.Train(spd, parameters, 0, 20);
        TestModel.Train(adam, plain, 0, 20);
        Assert.NotEqual(plain[0].Value.ToArray<float>(), parameters[0].Value.ToArray<float>());
        Assert.Equal(plain[1].Value.ToArray<float>(), parameters[1].Value.ToArray<float>());
        Assert.Equal(plain[2].Value.ToArray<float>(), parameters[2].Value.ToArray<float>());
        Assert.Contains(spd.Projection.Trace, row => row.Segment == "head.weight" && row.Ratio > 0);
    }

    [Fact]
    public void A_group_has_its_own_lambda()
    {
        Parameter[] parameters = TestModel.Create(500, 500);
        ParameterArena arena = new([new ParameterGroup("held", [parameters[0]]), new ParameterGroup("free", [parameters[1]]) { Lambda = 0 }]);
        AdamSpd optimizer = new(arena, new() { LearningRate = 0.05, Lambda = 1 });
        TestModel.Train(optimizer, parameters, 0, 20);
        Assert.Contains(optimizer.Projection.Trace, row => row.Segment == "layers.0.weight" && row.Projected);
        Assert.DoesNotContain(optimizer.Projection.Trace, row => row.Segment == "layers.1.weight" && row.Projected);
    }

    [Fact]
    public void The_ratio_is_accurate_far_from_a_zero_anchor()
    {
        // A step of 1e-6 at a distance of 1000: the squared distances agree in their first nine digits.
        const int size = 1_000_000;
        float[] values = new float[size];
        for (int i = 0; i < size; i++) values[i] = i % 2 == 0 ? 1 : 0.75f;
        Parameter weight = new("w", Tensor.From(values, [size])) { IsFresh = false, ZeroAnchor = true };
        Sgd sgd = new(new([weight]), new() { LearningRate = 1, Momentum = 0.9, Projection = new() { Lambda = 0 } });
        Move(-1e-5f);
        float[] before = weight.Value.ToArray<float>();
        Move(1e-6f);
        float[] after = weight.Value.ToArray<float>();
        double a = Norm(after), b = Norm(before), expected = (a - b) / a;
        Assert.InRange(expected, 5e-6, 2e-5);
        Assert.Equal(expected, sgd.Projection!.Trace.Latest[0].Ratio, 1e-3 * expected);

        void Move(float gradient)
        {
            weight.ZeroGradient();
            weight.Backward(Tensor.Full([size], gradient));
            sgd.Step();
        }

        static double Norm(float[] values)
        {
            double sum = 0;
            foreach (float value in values) sum += (double)value * value;
            return Math.Sqrt(sum);
        }
    }

    [Fact]
    public void Without_an_epsilon_the_padding_of_a_tail_does_not_reach_the_sums()
    {
        Parameter[] parameters = TestModel.Create(TestModel.AwkwardSizes);
        AdamSpd optimizer = new(new(parameters), new() { LearningRate = 0.02, Epsilon = 0 });
        TestModel.Train(optimizer, parameters, 0, 5);
        Assert.All(optimizer.Projection.Trace, row => Assert.True(float.IsFinite(row.Condition) && float.IsFinite(row.Deviation), row.ToString()));
        Assert.All(TestModel.Weights(optimizer.Arena), weight => Assert.True(float.IsFinite(weight)));
    }

    [Fact]
    public void A_projection_past_the_anchor_is_reported_once_with_its_layer()
    {
        Parameter weight = new("blocks.3.attn.qkv.weight", Tensor.Zeros([1])) { IsFresh = false };
        Sgd sgd = new(new([weight]), new() { LearningRate = 1, Momentum = 0.9, Projection = new() { Lambda = 10 } });
        for (int round = 0; round < 3; round++)
        {
            foreach (float gradient in new[] { -1f, 0.5f })
            {
                weight.ZeroGradient();
                weight.Backward(Tensor.From([gradient], [1]));
                sgd.Step();
            }
        }

        string warning = Assert.Single(sgd.Projection!.Trace.Warnings);
        Assert.StartsWith("blocks.3.attn.qkv.weight: lambda r was 2.857 in step 2", warning);
        Assert.DoesNotContain('\n', warning);
    }

    [Theory, InlineData(-0.1), InlineData(double.NaN), InlineData(double.PositiveInfinity)]
    public void A_lambda_that_makes_no_sense_is_refused(double lambda)
    {
        ParameterArena arena = new(TestModel.Create(4));
        Assert.StartsWith("Lambda is", Assert.Throws<ArgumentException>(() => new AdamSpd(arena, new() { Lambda = lambda })).Message);
        AdamSpd optimizer = new(arena, new());
        Assert.Throws<ArgumentException>(() => optimizer.Projection.Lambda = lambda);
        Assert.Throws<ArgumentException>(() => new AdamSpd(arena, new() { Projection = null }));
    }

    [Fact]
    public void A_step_reads_nothing_from_the_device()
    {
        CountingBackend counting = new(new CpuBackend());
        Device device = new("counting", 0, counting);
        Parameter[] parameters = [.. TestModel.AwkwardSizes.Select((size, i) =>
            new Parameter($"w{i}", TestModel.Draw(i, size, 1).To(device)) { IsFresh = false })];
        AdamSpd optimizer = new(new(parameters), new() { LearningRate = 0.05, Projection = new() { TraceRows = 2 } });
        Tensor[] gradients = [.. TestModel.AwkwardSizes.Select((size, i) => TestModel.Draw(100 + i, size, 1).To(device))];
        int before = Reads();
        for (int step = 0; step < 5; step++)
        {
            optimizer.ZeroGradients();
            for (int i = 0; i < parameters.Length; i++) parameters[i].Backward(gradients[i]);
            using (StepScope.Begin()) Clipping.ByGlobalNorm(optimizer.Arena, 1);
            Clipping.ByValue(optimizer.Arena, 0.5);
            optimizer.Step();
        }

        Assert.Equal(before, Reads());
        Assert.False(counting.Calls.ContainsKey("Synchronize"));
        Assert.Equal((5, 5, 5), (counting.Calls["ArenaUpdate"], counting.Calls["ArenaFold"], counting.Calls["ArenaProject"]));

        int Reads() => counting.Calls.GetValueOrDefault("Read");
    }

    /// <summary>Algorithm 2 of the paper, one layer at a time, in double precision.</summary>
    sealed class DoubleSpd(Parameter[] parameters, double learningRate, double lambda)
    {
        readonly double[][] weights = [.. parameters.Select(p => Array.ConvertAll(p.Value.ToArray<float>(), w => (double)w))];
        readonly double[][] anchors = [.. parameters.Select(p => Array.ConvertAll(p.Value.ToArray<float>(), w => p.ZeroAnchor ? 0 : (double)w))];
        readonly double[][] m = [.. parameters.Select(p => new double[p.Value.ElementCount])];
        readonly double[][] v = [.. parameters.Select(p => new double[p.Value.ElementCount])];
        readonly int[] steps = new int[parameters.Length];

        public (double[] Weights, double Condition, double Ratio) Step(int i, float[] gradient)
        {
            int t = ++steps[i];
            (double[] w, double[] w0) = (weights[i], anchors[i]);
            double[] u = new double[w.Length];
            double condition = 0, before = 0, after = 0;
            for (int j = 0; j < w.Length; j++)
            {
                double g = gradient[j];
                m[i][j] = 0.9 * m[i][j] + 0.1 * g;
                v[i][j] = 0.999 * v[i][j] + 0.001 * g * g;
                u[j] = w[j] - learningRate / (1 - Math.Pow(0.9, t)) * m[i][j] / (Math.Sqrt(v[i][j]) / Math.Sqrt(1 - Math.Pow(0.999, t)) + 1e-8);
                condition -= g * (w[j] - w0[j]);
                before += (w[j] - w0[j]) * (w[j] - w0[j]);
                after += (u[j] - w0[j]) * (u[j] - w0[j]);
            }

            (before, after) = (Math.Sqrt(before), Math.Sqrt(after));
            double ratio = condition < 0 ? Math.Clamp((after - before) / after, 0, 1) : 0;
            for (int j = 0; j < w.Length; j++) w[j] = u[j] - lambda * ratio * (u[j] - w0[j]);
            return (w, condition, ratio);
        }
    }
}
