using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Optim.Tests;

/// <summary>Every case of the manifest: trajectories of the official code and of torch, whole tensors at every step.</summary>
public sealed class ReferenceTests
{
    [Theory, FixtureData("optim")]
    public void Follows_the_reference(FixtureCase which)
    {
        using Fixture reference = which.Open();
        if (reference.Config<string>("optimizer", "") is { Length: > 0 } optimizer) Trajectory(reference, optimizer);
        else if (reference.Has("norm.0")) Clipped(reference);
        else if (reference.Has("one_cycle")) Scheduled(reference);
        else Assert.Fail($"No test knows what case '{reference.Name}' is.");
    }

    [Fact]
    public void The_manifest_is_whole() => Assert.True(Manifest.Of("optim").Count >= 22);

    static Optimizer Create(Fixture reference, string optimizer, ParameterArena arena)
    {
        double[] betas = reference.Config<double[]>("betas", [0.9, 0.999]);
        AdamOptions adam = new()
        {
            LearningRate = reference.Config<double>("lr"),
            WeightDecay = reference.Config("weight_decay", 0.0),
            BetaOne = betas[0],
            BetaTwo = betas[1],
            Epsilon = reference.Config("eps", 1e-8),
            AmsGrad = reference.Config("amsgrad", false),
            AllowMissingGradients = true,
        };
        return optimizer switch
        {
            "SGD" => new Sgd(arena, new()
            {
                LearningRate = adam.LearningRate,
                WeightDecay = adam.WeightDecay,
                Momentum = reference.Config("momentum", 0.0),
                Dampening = reference.Config("dampening", 0.0),
                Nesterov = reference.Config("nesterov", false),
                AllowMissingGradients = true,
            }),
            "Adam" => new Adam(arena, adam),
            "AdamW" => new AdamW(arena, adam),
            "L2SP" => new L2Sp(arena, new()
            {
                LearningRate = adam.LearningRate,
                WeightDecay = adam.WeightDecay,
                BetaOne = adam.BetaOne,
                BetaTwo = adam.BetaTwo,
                Epsilon = adam.Epsilon,
                AllowMissingGradients = true,
            }),
            "AdamSPD" => new AdamSpd(arena, new()
            {
                LearningRate = adam.LearningRate,
                Lambda = adam.WeightDecay,      // what the official code calls weight_decay
                BetaOne = adam.BetaOne,
                BetaTwo = adam.BetaTwo,
                Epsilon = adam.Epsilon,
                AmsGrad = adam.AmsGrad,
                AllowMissingGradients = true,
            }),
            _ => throw new InvalidOperationException($"{reference.Name} asks for the optimizer '{optimizer}', which this test does not know."),
        };
    }

    static Parameter[] ParametersOf(Fixture reference, string prefix) =>
        [.. reference.Config<string[]>("parameters").Select(name => new Parameter(name, reference.Load(prefix + name))
        {
            IsFresh = false,
            ZeroAnchor = !reference.Config("anchor", true),
        })];

    static void Trajectory(Fixture reference, string kind)
    {
        Parameter[] parameters = ParametersOf(reference, "param0.");
        Optimizer optimizer = Create(reference, kind, new(parameters));
        double[]? rates = reference.Config<double[]?>("lrs", null);
        for (int step = 0; step < reference.Config<int>("steps"); step++)
        {
            optimizer.ZeroGradients();
            foreach (Parameter parameter in parameters)
                if (reference.Has($"grad.{step}.{parameter.Name}")) parameter.Backward(reference.Load($"grad.{step}.{parameter.Name}"));
            if (rates is not null) optimizer.LearningRate = rates[step];
            optimizer.Step();
            foreach (Parameter parameter in parameters) Close(reference, parameter.Value, $"param.{step}.{parameter.Name}");
            if (optimizer is AdamSpd spd) Traced(reference, step, spd);
        }
    }

    static void Traced(Fixture reference, int step, AdamSpd optimizer)
    {
        IReadOnlyList<SpdTraceRow> rows = optimizer.Projection.Trace.Latest;
        Assert.Equal(reference.Config<string[]>("parameters"), rows.Select(row => row.Segment));
        Assert.All(rows, row => Assert.Equal(step + 1, row.Step));
        Close(reference, Vector(rows, row => row.Condition), $"condition.{step}");
        Close(reference, Vector(rows, row => row.Deviation), $"deviation.{step}");
        Tensor ratios = reference.Load($"ratio.{step}");
        TensorAssert.Close(
            Vector(rows, row => row.Ratio), ratios, reference.RelativeTolerance, RatioTolerance(reference, step, optimizer), $"{reference.Name}: ratio.{step}");
        Assert.Equal(
            ratios.ToArray<float>().Select(ratio => ratio > 0 && optimizer.Projection.Lambda > 0), rows.Select(row => row.Projected));
    }

    // r is 1 - |W - W0| / |U - W0|. In float32 the weights themselves are rounded, by half a unit in the last place a step;
    // where U has come close to the anchor that is no longer small beside |U - W0|: with exact arithmetic and only the
    // stored weights rounded, ratio.12 of "scalar" is off by 2.1e-5 of itself (its distance is 0.005, its weight 0.42).
    static double RatioTolerance(Fixture reference, int step, AdamSpd optimizer)
    {
        double slack = 0;
        if (step == 0) return reference.AbsoluteTolerance;
        float[] before = reference.Load($"deviation.{step - 1}").ToArray<float>(), ratios = reference.Load($"ratio.{step}").ToArray<float>();
        foreach (ArenaSegment segment in optimizer.Arena.Segments)
        {
            if (ratios[segment.Index] == 0) continue;
            float[] weights = segment.Parameter.Value.ToArray<float>();
            float largest = weights.Max(MathF.Abs);
            double rounding = (step + 1) * 0.5 * (MathF.BitIncrement(largest) - largest);
            slack = Math.Max(slack, rounding * (1 - ratios[segment.Index]) / before[segment.Index]);
        }

        return reference.AbsoluteTolerance + slack;
    }

    static Tensor Vector(IReadOnlyList<SpdTraceRow> rows, Func<SpdTraceRow, float> number) =>
        Tensor.From(rows.Select(number).ToArray(), [rows.Count]);

    static void Close(Fixture reference, Tensor ours, string name) =>
        TensorAssert.Close(ours, reference.Load(name), reference.RelativeTolerance, reference.AbsoluteTolerance, $"{reference.Name}: {name}");

    static void Clipped(Fixture reference)
    {
        for (int step = 0; step == 0 || reference.Has($"norm.{step}"); step++)
        {
            Parameter[] parameters = ParametersOf(reference, $"grad.{step}.");
            ParameterArena arena = new(parameters);
            foreach (Parameter parameter in parameters) parameter.Backward(reference.Load($"grad.{step}.{parameter.Name}"));
            Tensor norm = Clipping.ByGlobalNorm(arena, reference.Config<double>("max_norm"));
            Close(reference, norm.Reshape(1), $"norm.{step}");
            foreach (Parameter parameter in parameters) Close(reference, parameter.Gradient!, $"clipped.{step}.{parameter.Name}");
        }
    }

    static void Scheduled(Fixture reference)
    {
        int total = reference.Config<int>("total"), warmup = reference.Config<int>("warmup");
        Compare("cosine_warmup", new CosineSchedule(total) { Warmup = warmup });
        Compare("linear_warmup", new LinearSchedule(total) { Warmup = warmup });
        Compare("one_cycle", new OneCycleSchedule(total));

        void Compare(string name, Schedule schedule)
        {
            float[] rates = [.. Enumerable.Range(0, total).Select(step => (float)(reference.Config<double>("base_lr") * schedule.Factor(step)))];
            Close(reference, Tensor.From(rates, [total]), name);
        }
    }
}
