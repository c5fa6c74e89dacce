using Engine.Models;
using Engine.Tensors;

namespace Engine.Training.Tests;

public sealed class TrainerResumeTests
{
    static string StatePath(DataFolder folder) => Path.Combine(folder.Path, Trainer.StateFile);

    [Theory]
    [InlineData(OptimizerKind.AdamSpd)]
    [InlineData(OptimizerKind.AdamW)]
    [InlineData(OptimizerKind.Sgd)]
    public void A_run_resumed_after_two_epochs_ends_with_the_same_bits(OptimizerKind optimizer)
    {
        TrainingOptions options = TrainerSetup.Options with { Optimizer = optimizer };
        Trainer whole = TrainerSetup.Trainer(options);
        whole.Fit();

        using DataFolder folder = new();
        using CancellationTokenSource source = new();
        Trainer first = TrainerSetup.Trainer(options);
        first.EpochFinished += (trainer, _) =>
        {
            if (trainer.Epoch == 2) source.Cancel();
        };
        Assert.ThrowsAny<OperationCanceledException>(() => first.Fit(cancellation: source.Token));
        first.SaveState(StatePath(folder));

        Trainer second = Resume(folder, options);
        Assert.Equal((2, 0), (second.Epoch, second.StepInEpoch));
        second.Fit();
        AssertSame(whole, second);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(11)]
    [InlineData(16)]        // the last step of an epoch: its validation is still to come
    public void A_run_stopped_within_an_epoch_loses_nothing(int steps)
    {
        TrainingOptions options = TrainerSetup.Options;
        Trainer whole = TrainerSetup.Trainer(options, optimizer: TrainerSetup.CancelAfter(int.MaxValue, new(), options));
        whole.Fit();

        using DataFolder folder = new();
        using CancellationTokenSource source = new();
        Trainer first = TrainerSetup.Trainer(options, optimizer: TrainerSetup.CancelAfter(steps, source, options));
        Assert.ThrowsAny<OperationCanceledException>(() => first.Fit(cancellation: source.Token));
        Assert.Equal(steps, first.Epoch * 8 + first.StepInEpoch);
        first.SaveState(StatePath(folder));

        Trainer second = TrainerSetup.Trainer(options, seed: 99, optimizer: TrainerSetup.CancelAfter(int.MaxValue, new(), options));
        second.LoadState(StatePath(folder));
        int validated = 0;
        second.EpochFinished += (_, measured) => validated += measured is null ? 0 : 1;
        second.Fit();
        AssertSame(whole, second);
        Assert.Equal(4 - (steps - 1) / 8, validated);
    }

    [Fact]
    public void Fit_goes_on_after_a_cancellation_and_does_nothing_when_done()
    {
        TrainingOptions options = TrainerSetup.Options;
        Trainer whole = TrainerSetup.Trainer(options, optimizer: TrainerSetup.CancelAfter(int.MaxValue, new(), options));
        whole.Fit();
        using CancellationTokenSource source = new();
        Trainer trainer = TrainerSetup.Trainer(options, optimizer: TrainerSetup.CancelAfter(13, source, options));
        Assert.ThrowsAny<OperationCanceledException>(() => trainer.Fit(cancellation: source.Token));
        trainer.Fit();
        Assert.Equal(TrainerSetup.Weights(whole), TrainerSetup.Weights(trainer));
        trainer.Fit();
        Assert.Equal(32, trainer.Optimizer.StepCount);
    }

    [Fact]
    public void Refuses_another_configuration_and_names_the_first_difference()
    {
        using DataFolder folder = new();
        TrainerSetup.Trainer(TrainerSetup.Options).SaveState(StatePath(folder));

        Assert.Contains("the optimizer was AdamSpd in the saved run and is AdamW now", Refusal(folder, TrainerSetup.Options with { Optimizer = OptimizerKind.AdamW }));
        Assert.Contains("the learning rate was 0.003 in the saved run and is 0.004 now", Refusal(folder, TrainerSetup.Options with { LearningRate = 4e-3, Seed = 9 }));
        Assert.Contains("the lambda was 1", Refusal(folder, TrainerSetup.Options with { Lambda = 2 }));
        Assert.Contains("the accumulated batches were 1 in the saved run and are 2 now", Refusal(folder, TrainerSetup.Options with { Accumulation = 2 }));
        Assert.Contains("the epochs were 4 in the saved run and are 5 now", Refusal(folder, TrainerSetup.Options with { Epochs = 5 }));
        Assert.Contains("the seed was 5", Refusal(folder, TrainerSetup.Options with { Seed = 6 }));
        Assert.Contains("the frozen parameters were none", Refusal(folder, TrainerSetup.Options with { Freeze = ["norm.*"] }));
        Assert.Contains("the batch size was 8 in the saved run and is 4 now", Refusal(folder, TrainerSetup.Options, TrainerSetup.Training(batch: 4)));
        Assert.Contains("the training images were 64 in the saved run and are 72 now", Refusal(folder, TrainerSetup.Options, TrainerSetup.Training(images: 72)));
        Assert.Contains("the image order was shuffled, seed 2", Refusal(folder, TrainerSetup.Options, TrainerSetup.Training(seed: 4)));
    }

    [Fact]
    public void Refuses_the_state_of_another_model_and_changes_nothing()
    {
        using DataFolder folder = new();
        TrainerSetup.Trainer(new VisionTransformer(TrainerSetup.Config with { Width = 24, MlpWidth = 32 }, 3), TrainerSetup.Options).SaveState(StatePath(folder));
        Trainer trainer = TrainerSetup.Trainer(TrainerSetup.Options);
        float[] before = TrainerSetup.Weights(trainer);
        CheckpointException refused = Assert.Throws<CheckpointException>(() => trainer.LoadState(StatePath(folder)));
        Assert.Contains("the model was ... Width = 24", refused.Message);
        Assert.Contains("and is ... Width = 16", refused.Message);
        Assert.Equal(before, TrainerSetup.Weights(trainer));
        Assert.Equal(0, trainer.Epoch);
    }

    [Fact]
    public void Refuses_a_file_that_is_no_state()
    {
        using DataFolder folder = new();
        SafeTensors.Create(StatePath(folder), writer => writer.Write<float>("weight.head.bias", [1], [0f]));
        Assert.Contains("is not an engine training state", Refusal(folder, TrainerSetup.Options));
        folder.Write(Trainer.StateFile, "not a state"u8);
        Assert.Throws<CheckpointException>(() => Resume(folder, TrainerSetup.Options));
    }

    static Trainer Resume(DataFolder folder, TrainingOptions options, BatchLoader? loader = null)
    {
        // Other initial weights: all that counts comes from the state.
        Trainer trainer = TrainerSetup.Trainer(options, seed: 99, training: loader);
        trainer.LoadState(StatePath(folder));
        return trainer;
    }

    static string Refusal(DataFolder folder, TrainingOptions options, BatchLoader? loader = null) =>
        Assert.Throws<CheckpointException>(() => Resume(folder, options, loader)).Message;

    static void AssertSame(Trainer whole, Trainer resumed)
    {
        Assert.Equal(TrainerSetup.Weights(whole), TrainerSetup.Weights(resumed));
        Assert.Equal(whole.Optimizer.StepCount, resumed.Optimizer.StepCount);
        Assert.Equal((whole.BestScore, whole.BestEpoch, whole.BestSummary), (resumed.BestScore, resumed.BestEpoch, resumed.BestSummary));
        foreach ((Tensor expected, Tensor state) in whole.Optimizer.States.Zip(resumed.Optimizer.States))
            Assert.Equal(expected.ToArray<float>(), state.ToArray<float>());
    }
}
