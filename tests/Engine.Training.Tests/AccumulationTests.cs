using Engine.Models;
using Engine.Tensors;

namespace Engine.Training.Tests;

public sealed class AccumulationTests
{
    static readonly TrainingOptions Plain = TrainerSetup.Options with { Optimizer = OptimizerKind.Sgd, LearningRate = 0.1, Epochs = 1, Clip = null };

    static VisionTransformer Model() => new(TrainerSetup.Config with { Dropout = 0, DropPath = 0 }, 3);

    static BatchLoader Loader(int images, int batch) => new(
        new CachedDataset(new DrawnDomains(1, DrawnSplit.Train, [DrawnDomain.Filled], images, 16)), Preprocessing.Plain(16), new BatchLoaderOptions { BatchSize = batch });

    // 40 images, 16 a step: two whole steps, and one of eight.
    [Theory]
    [InlineData(8, 2)]
    [InlineData(4, 4)]
    public void A_step_moves_as_on_one_batch_of_all_its_images(int batch, int accumulation)
    {
        Trainer whole = TrainerSetup.Trainer(Model(), Plain, Loader(40, 16), validates: false);
        Trainer parts = TrainerSetup.Trainer(Model(), Plain with { Accumulation = accumulation }, Loader(40, batch), validates: false);
        whole.Fit();
        parts.Fit();
        Assert.Equal((3, 3L), (parts.StepsPerEpoch, parts.Optimizer.StepCount));
        Close(whole, parts);
    }

    // The last step of an epoch holds 16 and 4 images: a mean of two means would weigh the four like the sixteen.
    [Fact]
    public void Every_image_counts_the_same_whatever_its_batch()
    {
        Trainer whole = TrainerSetup.Trainer(Model(), Plain, Loader(20, 20), validates: false);
        Trainer parts = TrainerSetup.Trainer(Model(), Plain with { Accumulation = 2 }, Loader(20, 16), validates: false);
        whole.Fit();
        parts.Fit();
        Close(whole, parts);
    }

    [Fact]
    public void Reports_and_schedule_count_steps_not_batches()
    {
        List<TrainingProgress> heard = [];
        Trainer trainer = TrainerSetup.Trainer(TrainerSetup.Options with { Epochs = 3, Accumulation = 3 });      // 8 batches an epoch
        trainer.Fit(new Listener(heard));
        Assert.Equal((9, 9), (heard[^1].Step, heard[^1].Steps));
        Assert.Equal(9, trainer.Optimizer.StepCount);
    }

    // Batches are counted as they are taken from the loader; the cancellation comes between the two batches of a step.
    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void A_run_stopped_between_the_batches_of_a_step_loses_nothing(int batches)
    {
        TrainingOptions options = TrainerSetup.Options with { Accumulation = 2, Epochs = 2 };
        Trainer whole = TrainerSetup.Trainer(options);
        whole.Fit();

        using DataFolder folder = new();
        string state = Path.Combine(folder.Path, Trainer.StateFile);
        CutOffTask task = new(new ImageClassificationTask(TrainerSetup.Model(), TrainerSetup.Training(), TrainerSetup.Validation()), batches);
        Trainer first = new(task, options);
        Assert.ThrowsAny<OperationCanceledException>(() => first.Fit());
        Assert.Equal(batches / 2, first.StepInEpoch);
        first.SaveState(state);

        Trainer second = TrainerSetup.Trainer(options, seed: 99);
        second.LoadState(state);
        second.Fit();
        Assert.Equal(TrainerSetup.Weights(whole), TrainerSetup.Weights(second));
    }

    [Fact]
    public void A_batch_without_predictions_changes_nothing()
    {
        VisionTransformer model = Model();
        Trainer trainer = new(new FixedBatchTask(model), Plain);
        float[] before = TrainerSetup.Weights(trainer);
        Assert.Equal(double.NaN, trainer.Step(new FixedBatch(0, _ => new(Tensor.Scalar(double.NaN), Tensor.Scalar(0), 0))));
        Assert.Equal(before, TrainerSetup.Weights(trainer));
    }

    // Only the order of summation differs.
    static void Close(Trainer expected, Trainer found)
    {
        float[] first = TrainerSetup.Weights(expected), second = TrainerSetup.Weights(found);
        for (int i = 0; i < first.Length; i++)
            Assert.True(MathF.Abs(first[i] - second[i]) <= 2e-6f + 1e-5f * MathF.Abs(first[i]), $"weight {i} is {second[i]}, on one batch {first[i]}");
    }

    sealed class Listener(List<TrainingProgress> heard) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => heard.Add(value);
    }
}
