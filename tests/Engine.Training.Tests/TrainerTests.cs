using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Training.Tests;

public sealed class TrainerTests
{
    [Fact]
    public void Weights_do_not_depend_on_threads()
    {
        int threads = ThreadTeam.Threads;
        try
        {
            Assert.Equal(Train(1), Train(2));
        }
        finally
        {
            ThreadTeam.Threads = threads;
        }

        static float[] Train(int threads)
        {
            ThreadTeam.Threads = threads;
            // Wide enough that kernels do split their work.
            Models.VisionTransformer model = new(TrainerSetup.Config with { Width = 64, MlpWidth = 256, Heads = 4, PatchSize = 4 }, 3);
            Trainer trainer = TrainerSetup.Trainer(model, TrainerSetup.Options with { Epochs = 2 }, TrainerSetup.Training(batch: 32), validates: false);
            trainer.Fit();
            return TrainerSetup.Weights(trainer);
        }
    }

    [Fact]
    public void The_loss_falls_and_every_epoch_is_measured()
    {
        List<TrainingProgress> heard = [];
        List<ClassificationResult> measured = [];
        Models.VisionTransformer model = new(TrainerSetup.Config with { Dropout = 0, DropPath = 0 }, 3);
        Trainer trainer = TrainerSetup.Trainer(model, TrainerSetup.Options with { Optimizer = OptimizerKind.AdamW, LearningRate = 1e-2, Epochs = 20, Clip = null });
        trainer.EpochFinished += (_, result) => measured.Add(Assert.IsType<ClassificationResult>(result));
        trainer.Fit(new Listener(heard));
        Assert.Equal(20, measured.Count);
        Assert.All(measured, result => Assert.Equal(20, result.Count));
        Assert.Equal(measured.Max(result => result.Accuracy), trainer.BestScore);
        Assert.Equal(1 + measured.FindIndex(result => result.Accuracy == trainer.BestScore), trainer.BestEpoch);
        Assert.Equal(20, heard.Count(report => report.Validation is not null));
        TrainingProgress end = heard[^1];
        Assert.Equal((160, 160, 20, 20), (end.Step, end.Steps, end.Epoch, end.Epochs));
        Assert.Equal(TimeSpan.Zero, end.Remaining);
        Assert.All(heard, report => Assert.True(double.IsFinite(report.Loss) && report.Accuracy is >= 0 and <= 1));
        Assert.True(end.Loss < 2.1, $"ten classes start at 2.3, the loss ended at {end.Loss}");
    }

    [Fact]
    public void Recomputed_blocks_train_to_the_same_bits()
    {
        Assert.Equal(Train(false), Train(true));

        static float[] Train(bool recomputes)
        {
            Trainer trainer = TrainerSetup.Trainer(TrainerSetup.Options with { Epochs = 2, Recompute = recomputes }, validates: false);
            trainer.Fit();
            Assert.Equal(recomputes, trainer.Model.RecomputesBlocks);
            return TrainerSetup.Weights(trainer);
        }
    }

    [Fact]
    public void A_loss_that_is_no_number_stops_the_run_with_what_to_do()
    {
        Trainer trainer = TrainerSetup.Trainer(TrainerSetup.Options with { Optimizer = OptimizerKind.Sgd, LearningRate = 1e20, WarmUp = 0, Clip = null });
        int finished = 0;
        trainer.EpochFinished += (_, _) => finished++;
        GradientException stopped = Assert.Throws<GradientException>(() => trainer.Fit());
        Assert.Contains("lower the learning rate", stopped.Message);
        Assert.DoesNotContain('\n', stopped.Message);
        Assert.Equal(0, finished);
    }

    [Fact]
    public void Frozen_parameters_stay_and_a_pattern_without_a_match_is_refused()
    {
        Models.VisionTransformer model = TrainerSetup.Model();
        float[] before = model["blocks.0.attn.qkv.weight"].Value.ToArray<float>();
        TrainerSetup.Trainer(model, TrainerSetup.Options with { Epochs = 1, Freeze = ["blocks.0.*"] }).Fit();
        Assert.Equal(before, model["blocks.0.attn.qkv.weight"].Value.ToArray<float>());
        Assert.Contains("block.0", Assert.Throws<ArgumentException>(() => TrainerSetup.Trainer(new() { Freeze = ["block.0.*"] })).Message);
        Assert.Contains("nothing is left", Assert.Throws<ArgumentException>(() => TrainerSetup.Trainer(new() { Freeze = ["*"] })).Message);
    }

    [Fact]
    public void Refuses_options_that_make_no_sense()
    {
        foreach ((TrainingOptions options, string name) in new (TrainingOptions, string)[]
        {
            (new() { LearningRate = 0 }, "LearningRate"), (new() { LearningRate = double.NaN }, "LearningRate"), (new() { Lambda = -1 }, "Lambda"),
            (new() { WeightDecay = -1 }, "WeightDecay"), (new() { Epochs = 0 }, "Epochs"), (new() { Accumulation = 0 }, "Accumulation"), (new() { WarmUp = -1 }, "WarmUp"),
            (new() { Clip = 0 }, "Clip"), (new() { LabelSmoothing = 1 }, "LabelSmoothing"), (new() { Optimizer = (OptimizerKind)99 }, "Optimizer"),
        })
        {
            Assert.Equal(name, options.Fault()?.Option);
            Assert.StartsWith($"TrainingOptions.{name} is ", Assert.Throws<ArgumentException>(options.Validate).Message);
        }

        Assert.Null(new TrainingOptions().Fault());
    }

    sealed class Listener(List<TrainingProgress> heard) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => heard.Add(value);
    }
}
