using Engine.Models;

namespace Engine.Training;

/// <summary>The methods that a comparison knows. A further one is a row here.</summary>
public static class ComparedMethods
{
    const double ProbeRate = 1e-2;
    const int ProbeEpochs = 10;

    /// <summary>All of them, in the order of tables.</summary>
    public static IReadOnlyList<ComparedMethod> All { get; } =
    [
        Optimizing("sgd", OptimizerKind.Sgd, "momentum 0.9"),
        Optimizing("adam", OptimizerKind.Adam, "Kingma and Ba 2015"),
        Optimizing("adamw", OptimizerKind.AdamW, "Loshchilov and Hutter 2019"),
        new("weight-decay", "decay", [0.01, 0.1, 1], "AdamW's decay toward zero")
        {
            Train = (options, value) => options with { Optimizer = OptimizerKind.AdamW, WeightDecay = value },
        },
        new("probe", null, [], "linear probe: the head alone")
        {
            Train = (options, _) => options with { Optimizer = OptimizerKind.AdamW, TrainOnly = ["head.*"] },
        },
        new("lp-ft", null, [], "Kumar et al. 2022")
        {
            Train = (options, _) => options with { Optimizer = OptimizerKind.AdamW },
            Prepare = Probe,
        },
        new("bitfit", null, [], "Ben-Zaken et al. 2022")
        {
            Train = (options, _) => options with { Optimizer = OptimizerKind.AdamW, TrainOnly = ["*.bias", "head.*"] },
        },
        new("wise-ft", "mix", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1], "Wortsman et al. 2022")
        {
            Train = (options, _) => options,
            Mixes = "adamw",
        },
        Adapting<LoraOptions>("lora", OptimizerKind.AdamW, "Hu et al. 2022", targets => new LoraOptions { Targets = targets, TrainHead = true }),
        Adapting<SeriesAdapterOptions>("series", OptimizerKind.AdamW, "Houlsby et al. 2019", targets => new SeriesAdapterOptions { Targets = targets, TrainHead = true, Placement = null }),
        Adapting<ParallelAdapterOptions>("parallel", OptimizerKind.AdamW, "He et al. 2022", targets => new ParallelAdapterOptions { Targets = targets, TrainHead = true }),
        new("adam-spd", "lambda", [0.1, 0.5, 1, 2], "Tian et al. 2024") { Train = Spd },
        Adapting<LoraOptions>("lora-spd", OptimizerKind.AdamSpd, "Tian et al. 2024, on LoRA", targets => new LoraOptions { Targets = targets, TrainHead = true }) with
        {
            Knob = "lambda",
            Values = [0.1, 0.5, 1],
            Train = Spd,
        },
    ];

    /// <summary>The method of a name, or null.</summary>
    public static ComparedMethod? Find(string name) => All.FirstOrDefault(method => method.Name == name);

    static TrainingOptions Spd(TrainingOptions options, double lambda) =>
        options with { Optimizer = OptimizerKind.AdamSpd, WeightDecay = 0, Lambda = lambda, KeepTrace = true };

    static ComparedMethod Optimizing(string name, OptimizerKind optimizer, string source) =>
        new(name, null, [], source) { Train = (options, _) => options with { Optimizer = optimizer } };

    static ComparedMethod Adapting<TOptions>(string name, OptimizerKind optimizer, string source, Func<IReadOnlyList<string>, AdapterOptions> adapters)
        where TOptions : AdapterOptions => Optimizing(name, optimizer, source) with
        {
            Prepare = run =>
            {
                AdapterSet attached = Peft.Attach(run.Task.Model, adapters(Peft.UsualTargets<TOptions>(run.Task.Model)));
                return run with { Adapters = attached, Options = run.Options with { Adaptation = name } };
            },
        };

    static ComparedRun Probe(ComparedRun run)
    {
        if (run.Task is not ImageClassificationTask images) throw new NotSupportedException("lp-ft begins with a linear probe on cached features, which is for image classifiers.");
        new LpFt(images, run.Options with { Optimizer = OptimizerKind.Adam, LearningRate = ProbeRate, WeightDecay = 0, Epochs = ProbeEpochs }).Probe(run.Progress, run.Cancellation);
        return run;
    }
}
