using Engine.Models;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.Training.Tests;

/// <summary>A model of some thousand parameters and drawn images: a step takes a millisecond.</summary>
static class TrainerSetup
{
    public static VitConfig Config { get; } = new()
    {
        ImageSize = 16,
        PatchSize = 8,
        Width = 16,
        Depth = 2,
        Heads = 2,
        MlpWidth = 32,
        Classes = DrawnDomains.Shapes.Count,
        Dropout = 0.1f,
        DropPath = 0.1f,
    };

    public static TrainingOptions Options { get; } = new() { LearningRate = 3e-3, Epochs = 4, Seed = 5, WarmUp = 0.1, Clip = 1 };

    public static VisionTransformer Model(ulong seed = 3) => new(Config, seed);

    /// <summary>Eight batches of eight, shuffled and flipped.</summary>
    public static BatchLoader Training(int images = 64, int batch = 8, ulong seed = 2) => new(
        new CachedDataset(new DrawnDomains(1, DrawnSplit.Train, [DrawnDomain.Filled], images, 16)), Preprocessing.Plain(16),
        new BatchLoaderOptions { BatchSize = batch, Shuffle = true, DropLast = true, Seed = seed, Augmentation = new Augmentation { FlipProbability = 0.5f } });

    /// <summary>Twenty images, the last batch not full.</summary>
    public static BatchLoader Validation() => new(
        new CachedDataset(new DrawnDomains(1, DrawnSplit.Validation, [DrawnDomain.Filled], 20, 16)), Preprocessing.Plain(16), new BatchLoaderOptions { BatchSize = 8 });

    /// <summary>A trainer of a new model on <see cref="Training"/> and <see cref="Validation"/>.</summary>
    public static Trainer Trainer(
        TrainingOptions options, ulong seed = 3, BatchLoader? training = null, bool validates = true, Func<ParameterArena, Optimizer>? optimizer = null) =>
        Trainer(Model(seed), options, training, validates, optimizer);

    /// <summary>A trainer of a model.</summary>
    public static Trainer Trainer(
        VisionTransformer model, TrainingOptions options, BatchLoader? training = null, bool validates = true, Func<ParameterArena, Optimizer>? optimizer = null) =>
        new(new ImageClassificationTask(model, training ?? Training(), validates ? Validation() : null), options, optimizer);

    /// <summary>All weights, one after the other.</summary>
    public static float[] Weights(Training.Trainer trainer) =>
        [.. trainer.Arena.Segments.SelectMany(segment => segment.Parameter.Value.ToArray<float>())];

    /// <summary>Cancels when a number of steps in all is done.</summary>
    public static Func<ParameterArena, Optimizer> CancelAfter(int steps, CancellationTokenSource source, TrainingOptions options) =>
        arena => new CancellingAdam(arena, new AdamOptions { LearningRate = options.LearningRate }, steps, source);

    sealed class CancellingAdam(ParameterArena arena, AdamOptions options, int steps, CancellationTokenSource source) : Adam(arena, options)
    {
        protected override void Update(Backend backend, ArenaStep step)
        {
            base.Update(backend, step);
            if (StepCount == steps) source.Cancel();
        }
    }
}
