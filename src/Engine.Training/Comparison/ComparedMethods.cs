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
        Knobbed("llrd", OptimizerKind.AdamW, "layer-decay", [0.65, 0.75, 0.9], "learning rate falling with depth, BEiT", (options, value) => options with { Method = options.Method with { LayerDecay = value } }),
        Knobbed("l2-sp", OptimizerKind.L2Sp, "decay", [0.001, 0.01, 0.1], "Li et al. 2018", (options, value) => options with { WeightDecay = value }),
        Knobbed("l2-sp-decoupled", OptimizerKind.L2SpDecoupled, "decay", [0.001, 0.01, 0.1], "Tian et al. 2024, algorithm 1, decoupled", (options, value) => options with { WeightDecay = value }),
        Knobbed("mars-sp", OptimizerKind.MarsSp, "radius", [0.1, 1, 10], "Gouk et al. 2021", (options, value) => options with { WeightDecay = 0, Method = options.Method with { Radius = value } }),
        Knobbed("ftp", OptimizerKind.AdamFtp, "annealing", [0, 0.5, 1], "Tian et al. 2023", (options, value) => options with { Method = options.Method with { Annealing = value } }),
        Knobbed("digrap", OptimizerKind.DiGraP, "mu", [0.001, 0.01, 0.1], "Huang et al. 2025", (options, value) => options with { Method = options.Method with { Mu = value } }),
        Knobbed("cautious-adamw", OptimizerKind.CautiousAdamW, "decay", [0.01, 0.1, 1], "cautious weight decay", (options, value) => options with { WeightDecay = value }),
        new("wise-ft", "mix", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1], "Wortsman et al. 2022")
        {
            Train = (options, _) => options,
            Mixes = "adamw",
        },
        Adapting<LoraOptions>("lora", OptimizerKind.AdamW, "Hu et al. 2022", targets => new LoraOptions { Targets = targets, TrainHead = true }),
        Adapting<SeriesAdapterOptions>("series", OptimizerKind.AdamW, "Houlsby et al. 2019", targets => new SeriesAdapterOptions { Targets = targets, TrainHead = true, Placement = null }),
        Adapting<ParallelAdapterOptions>("parallel", OptimizerKind.AdamW, "He et al. 2022", targets => new ParallelAdapterOptions { Targets = targets, TrainHead = true }),
        new("adam-spd", "lambda", [0.1, 0.5, 1, 2], "Tian et al. 2024") { Train = Spd },
        Knobbed("adamw-spd", OptimizerKind.AdamWSpd, "lambda", [0.1, 0.5, 1, 2], "selective projection on AdamW", (options, value) => options with { Lambda = value, KeepTrace = true }),
        Knobbed("sgd-spd", OptimizerKind.SgdSpd, "lambda", [0.1, 0.5, 1, 2], "selective projection on SGD with momentum", (options, value) => options with { WeightDecay = 0, Lambda = value, KeepTrace = true }),
        Knobbed("adam-spd-depth", OptimizerKind.AdamSpd, "lambda", [0.5, 1, 2], "MAPS: lambda falling with depth", (options, value) => Spd(options, value) with { Method = options.Method with { LambdaOverDepth = true } }),
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

    static ComparedMethod Knobbed(string name, OptimizerKind optimizer, string knob, IReadOnlyList<double> values, string source, Func<TrainingOptions, double, TrainingOptions> train) =>
        new(name, knob, values, source) { Train = (options, value) => train(options, value) with { Optimizer = optimizer } };

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
