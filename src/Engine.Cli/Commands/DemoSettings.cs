using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>The demo's setting: small enough for two cores and three minutes, large enough for the effect to show.</summary>
static class DemoSettings
{
    public const double Lambda = 1;

    public const DrawnDomain Domain = DrawnDomain.Sketch;

    public static DomainExperimentOptions Options(DrawnDomain domain, double lambda, int seeds, bool quick)
    {
        TrainingOptions fineTuning = new()
        {
            LearningRate = 1e-3,
            Epochs = quick ? 1 : 15,
            WarmUp = 0.1,
            Schedule = ScheduleKind.Cosine,
        };
        return new()
        {
            Model = new VitConfig { ImageSize = 32, PatchSize = 8, Width = 64, Depth = 4, Heads = 4, MlpWidth = 256, Classes = DrawnDomains.Shapes.Count },
            Domain = domain,
            Seeds = [.. Enumerable.Range(1, seeds).Select(seed => (ulong)seed)],
            BatchSize = 32,
            PretrainingImages = quick ? 128 : 2500,
            FineTuningImages = quick ? 128 : 1000,
            TestImages = quick ? 100 : 500,
            Pretraining = new() { Optimizer = OptimizerKind.AdamW, LearningRate = 1e-3, WeightDecay = 0.05, Epochs = quick ? 1 : 12, WarmUp = 0.1 },
            Methods =
            [
                new("AdamW", fineTuning with { Optimizer = OptimizerKind.AdamW, WeightDecay = 0.01 }),
                new("Adam-SPD", fineTuning with { Optimizer = OptimizerKind.AdamSpd, Lambda = lambda, KeepTrace = true }),
            ],
        };
    }
}
