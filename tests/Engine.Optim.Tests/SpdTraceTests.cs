using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Optim.Tests;

public sealed class SpdTraceTests
{
    static (AdamSpd Optimizer, Parameter[] Parameters) Create(int rows, bool keep)
    {
        Parameter[] parameters = TestModel.Create(300, 20, 7);
        AdamSpd optimizer = new(new(parameters), new() { LearningRate = 0.05, Projection = new() { TraceRows = rows, KeepTrace = keep } });
        return (optimizer, parameters);
    }

    [Fact]
    public void The_ring_holds_the_last_steps()
    {
        (AdamSpd optimizer, Parameter[] parameters) = Create(rows: 4, keep: false);
        SpdTrace trace = optimizer.Projection.Trace;
        Assert.Empty(trace);
        Assert.Empty(trace.Latest);
        TestModel.Train(optimizer, parameters, 0, 3);
        Assert.Equal([1, 2, 3], trace.Select(row => row.Step).Distinct());
        TestModel.Train(optimizer, parameters, 3, 11);
        Assert.Equal([8, 9, 10, 11], trace.Select(row => row.Step).Distinct());
        Assert.Equal(4 * 3, trace.Count);
        Assert.Equal("layers.1.weight", trace[4].Segment);
        Assert.Equal(9, trace[4].Step);
        Assert.Equal([10, 11], trace.Since(9).Select(row => row.Step).Distinct());
        Assert.Throws<ArgumentOutOfRangeException>(() => trace[12]);
    }

    [Theory, InlineData(1), InlineData(4), InlineData(64)]
    public void Everything_is_kept_if_asked_whatever_the_ring(int rows)
    {
        (AdamSpd small, Parameter[] first) = Create(rows, keep: true);
        (AdamSpd large, Parameter[] second) = Create(100, keep: false);
        TestModel.Train(small, first, 0, 19);
        TestModel.Train(large, second, 0, 19);
        Assert.Equal(large.Projection.Trace.ToArray(), small.Projection.Trace.ToArray());
        Assert.Equal(19, small.Projection.Trace.StepCount);
        TestModel.Train(small, first, 19, 21);
        Assert.Equal(Enumerable.Range(1, 21).Select(step => (long)step), small.Projection.Trace.Select(row => row.Step).Distinct());
    }

    [Fact]
    public void Deviations_are_the_distances_after_the_step_and_add_up()
    {
        (AdamSpd optimizer, Parameter[] parameters) = Create(16, keep: false);
        float[][] anchors = [.. parameters.Select(parameter => parameter.Value.ToArray<float>())];
        for (int step = 0; step < 8; step++)
        {
            TestModel.Train(optimizer, parameters, step, step + 1);
            double total = 0;
            for (int i = 0; i < parameters.Length; i++)
            {
                float[] weights = parameters[i].Value.ToArray<float>();
                double squares = weights.Select((weight, j) => Math.Pow((double)weight - anchors[i][j], 2)).Sum();
                Assert.Equal(Math.Sqrt(squares), optimizer.Projection.Trace.Latest[i].Deviation, 1e-5 * Math.Sqrt(squares) + 1e-6);
                total += squares;
            }

            Assert.Equal(Math.Sqrt(total), optimizer.Projection.Trace.OverallDeviation(), 1e-5 * Math.Sqrt(total));
        }

        Assert.Equal(8, optimizer.Projection.Trace.OverallDeviations().Count);
        Assert.Contains(optimizer.Projection.Trace, row => row.Projected);
    }

    [Fact]
    public void Distance_before_and_cosine_are_those_of_the_weights_and_gradients_before_the_step()
    {
        (AdamSpd optimizer, Parameter[] parameters) = Create(16, keep: false);
        float[][] anchors = [.. parameters.Select(parameter => parameter.Value.ToArray<float>())];
        for (int step = 0; step < 8; step++)
        {
            float[][] weights = [.. parameters.Select(parameter => parameter.Value.ToArray<float>())];
            TestModel.Train(optimizer, parameters, step, step + 1);
            for (int i = 0; i < parameters.Length; i++)
            {
                float[] gradient = parameters[i].Gradient!.ToArray<float>();
                double[] away = [.. weights[i].Select((weight, j) => (double)weight - anchors[i][j])];
                double distance = Math.Sqrt(away.Sum(d => d * d)), slope = Math.Sqrt(gradient.Sum(g => (double)g * g)), product = away.Select((d, j) => d * gradient[j]).Sum();
                SpdTraceRow row = optimizer.Projection.Trace.Latest[i];
                Assert.Equal(distance, row.DeviationBefore, 1e-5 * distance + 1e-6);
                Assert.Equal(slope, row.GradientNorm, 1e-5 * slope);
                if (step == 0) Assert.Equal(float.NaN, row.Cosine);
                else Assert.Equal(product / (distance * slope), row.Cosine, 1e-4);
            }
        }
    }

    [Fact]
    public void A_layer_without_gradient_has_no_condition_and_keeps_its_deviation()
    {
        Parameter[] parameters = TestModel.Create(300, 5000);
        AdamSpd optimizer = new(new(parameters), new() { AllowMissingGradients = true });
        TestModel.Train(optimizer, parameters, 0, 3);
        float before = optimizer.Projection.Trace.Latest[1].Deviation;
        TestModel.Differentiate(parameters, 3);
        parameters[1].ZeroGradient();
        optimizer.Step();
        SpdTraceRow row = optimizer.Projection.Trace.Latest[1];
        Assert.True(float.IsNaN(row.Condition));
        Assert.Equal(0, row.Ratio);
        Assert.False(row.Projected);
        Assert.Equal(before, row.Deviation, 1e-6f);
    }

    [Fact]
    public void An_adapter_that_never_left_zero_and_a_run_without_projection_are_told_after_some_steps()
    {
        Parameter[] parameters = TestModel.Create(8, 8);
        foreach (Parameter parameter in parameters) (parameter.ZeroAnchor, parameter.Name) = (true, parameter.Name.Replace("weight", "lora.b", StringComparison.Ordinal));
        parameters[1].Load(Tensor.Zeros([8]));
        AdamSpd optimizer = new(new ParameterArena(parameters), new AdamSpdOptions { LearningRate = 1e-3, Lambda = 0 });
        for (int step = 0; step < 25; step++)
        {
            optimizer.ZeroGradients();
            parameters[0].Backward(Tensor.Ones([8]));
            parameters[1].Backward(Tensor.Zeros([8]));
            optimizer.Step();
            if (step == 5) Assert.Empty(optimizer.Projection.Trace.Warnings);
        }

        Assert.Collection(optimizer.Projection.Trace.Warnings,
            warning => Assert.StartsWith("layers.1.lora.b: still zero after 25 steps", warning),
            warning => Assert.StartsWith("no layer was projected in 25 steps", warning));
    }
}
