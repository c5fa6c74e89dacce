using System.Text.Json;
using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Optim.Tests;

/// <summary>Every case of the manifest: trajectories of the official code and of torch, at every step.</summary>
public sealed class ReferenceTests
{
    public static TheoryData<string> Cases => [.. ReferenceCase.Names];

    [Theory, MemberData(nameof(Cases))]
    public void Follows_the_reference(string name)
    {
        ReferenceCase reference = ReferenceCase.Load(name);
        if (reference.Config.TryGetProperty("optimizer", out _)) Trajectory(reference);
        else if (reference.Config.TryGetProperty("max_norm", out _)) Clipped(reference);
        else if (reference.Config.TryGetProperty("warmup", out _)) Scheduled(reference);
        else Assert.Fail($"No test knows what case '{name}' is.");
    }

    [Fact]
    public void The_manifest_is_not_empty() => Assert.True(ReferenceCase.Names.Count() >= 22);

    static Optimizer Create(ReferenceCase reference, ParameterArena arena)
    {
        AdamOptions adam = new()
        {
            LearningRate = reference.Number("lr"),
            WeightDecay = reference.Number("weight_decay"),
            BetaOne = Beta(0),
            BetaTwo = Beta(1),
            Epsilon = reference.Number("eps"),
            AmsGrad = reference.Flag("amsgrad"),
            AllowMissingGradients = true,
        };
        string name = reference.Config.GetProperty("optimizer").GetString()!;
        return name switch
        {
            "SGD" => new Sgd(arena, new()
            {
                LearningRate = adam.LearningRate,
                WeightDecay = adam.WeightDecay,
                Momentum = reference.Number("momentum"),
                Dampening = reference.Number("dampening"),
                Nesterov = reference.Flag("nesterov"),
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
                Lambda = adam.WeightDecay,
                BetaOne = adam.BetaOne,
                BetaTwo = adam.BetaTwo,
                Epsilon = adam.Epsilon,
                AmsGrad = adam.AmsGrad,
                AllowMissingGradients = true,
            }),
            _ => throw new InvalidOperationException($"The manifest names an optimizer '{name}' that this test does not know."),
        };

        double Beta(int i) => reference.Config.TryGetProperty("betas", out JsonElement betas) ? betas[i].GetDouble() : 0.9;
    }

    static Parameter[] ParametersOf(ReferenceCase reference, string prefix) =>
        [.. reference.Parameters.Select(name => new Parameter(name, reference.Get(prefix + name))
        {
            IsFresh = false,
            ZeroAnchor = !reference.Flag("anchor"),
        })];

    static void Trajectory(ReferenceCase reference)
    {
        Parameter[] parameters = ParametersOf(reference, "param0.");
        ParameterArena arena = new(parameters);
        Optimizer optimizer = Create(reference, arena);
        JsonElement rates = reference.Config.GetProperty("lrs");
        for (int step = 0; step < reference.Number("steps"); step++)
        {
            optimizer.ZeroGradients();
            foreach (Parameter parameter in parameters)
                if (reference.Has($"grad.{step}.{parameter.Name}")) parameter.Backward(reference.Get($"grad.{step}.{parameter.Name}"));
            if (rates.ValueKind == JsonValueKind.Array) optimizer.LearningRate = rates[step].GetDouble();
            optimizer.Step();
            foreach (Parameter parameter in parameters) reference.Check($"param.{step}.{parameter.Name}", parameter.Value.ToArray<float>());
            if (optimizer is AdamSpd spd) Traced(reference, step, spd);
        }
    }

    static void Traced(ReferenceCase reference, int step, AdamSpd optimizer)
    {
        IReadOnlyList<SpdTraceRow> rows = optimizer.Projection.Trace.Latest;
        Assert.Equal(reference.Parameters, rows.Select(row => row.Segment));
        Assert.All(rows, row => Assert.Equal(step + 1, row.Step));
        reference.Check($"condition.{step}", [.. rows.Select(row => row.Condition)]);
        reference.Check($"ratio.{step}", [.. rows.Select(row => row.Ratio)]);
        reference.Check($"deviation.{step}", [.. rows.Select(row => row.Deviation)]);
        bool[] expected = [.. reference.Get($"ratio.{step}").ToArray<float>().Select(ratio => ratio > 0 && optimizer.Projection.Lambda > 0)];
        Assert.Equal(expected, rows.Select(row => row.Projected));
    }

    static void Clipped(ReferenceCase reference)
    {
        int steps = 0;
        for (; reference.Has($"norm.{steps}"); steps++)
        {
            Parameter[] parameters = ParametersOf(reference, $"grad.{steps}.");
            ParameterArena arena = new(parameters);
            foreach (Parameter parameter in parameters) parameter.Backward(reference.Get($"grad.{steps}.{parameter.Name}"));
            Tensor norm = Clipping.ByGlobalNorm(arena, reference.Number("max_norm"));
            reference.Check($"norm.{steps}", norm.ToArray<float>());
            foreach (Parameter parameter in parameters)
                reference.Check($"clipped.{steps}.{parameter.Name}", parameter.Gradient!.ToArray<float>());
        }

        Assert.True(steps > 0);
    }

    static void Scheduled(ReferenceCase reference)
    {
        long total = (long)reference.Number("total"), warmup = (long)reference.Number("warmup");
        Compare("cosine_warmup", new CosineSchedule(total) { Warmup = warmup });
        Compare("linear_warmup", new LinearSchedule(total) { Warmup = warmup });
        Compare("one_cycle", new OneCycleSchedule(total));

        void Compare(string name, Schedule schedule) => reference.Check(
            name, [.. Enumerable.Range(0, (int)total).Select(step => (float)(reference.Number("base_lr") * schedule.Factor(step)))]);
    }
}
