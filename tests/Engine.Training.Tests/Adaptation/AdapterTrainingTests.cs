using Engine.Autograd;
using Engine.Models;
using Engine.Optim;

namespace Engine.Training.Tests;

public sealed class AdapterTrainingTests
{
    static VisionTransformer Adapted()
    {
        VisionTransformer model = TrainerSetup.Model();
        Peft.Attach(model, new LoraOptions { Targets = ["qkv", "fc1"], Rank = 2, Dropout = 0.1f, TrainHead = true });
        return model;
    }

    [Fact]
    public void Adam_spd_anchors_adapters_at_zero_and_the_base_stays_as_it_was()
    {
        VisionTransformer model = Adapted();
        Dictionary<Parameter, float[]> before = model.Parameters.Where(parameter => !parameter.Trainable).ToDictionary(parameter => parameter, parameter => parameter.Value.ToArray<float>());
        Trainer trainer = new(new ImageClassificationTask(model, TrainerSetup.Training()), TrainerSetup.Options with { Epochs = 1 });
        foreach (ArenaSegment segment in trainer.Arena.Segments.Where(segment => segment.Parameter.ZeroAnchor))
        {
            Assert.True(segment.IsAnchored);
            Assert.All(trainer.Arena.View(trainer.Arena.Anchors!, segment).ToArray<float>(), value => Assert.Equal(0, value));
        }

        trainer.Fit();
        Assert.NotEmpty(before);
        Assert.All(before, pair => Assert.Equal(pair.Value, pair.Key.Value.ToArray<float>()));
        Assert.Contains(model["blocks.1.attn.qkv.lora.b"].Value.ToArray<float>(), value => value != 0);
    }

    [Fact]
    public void A_run_with_adapters_is_resumed_to_the_bit()
    {
        using DataFolder folder = new();
        string state = Path.Combine(folder.Path, Trainer.StateFile);
        Trainer whole = new(Task(), TrainerSetup.Options);
        whole.Fit();

        using CancellationTokenSource source = new();
        Trainer first = new(Task(), TrainerSetup.Options);
        first.EpochFinished += (_, _) => source.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => first.Fit(cancellation: source.Token));
        first.SaveState(state);
        Trainer second = new(Task(), TrainerSetup.Options);
        second.LoadState(state);
        second.Fit();
        Assert.Equal(TrainerSetup.Weights(whole), TrainerSetup.Weights(second));

        static ImageClassificationTask Task() => new(Adapted(), TrainerSetup.Training());
    }

    [Fact]
    public void A_run_is_not_resumed_with_other_adapters()
    {
        using DataFolder folder = new();
        string state = Path.Combine(folder.Path, Trainer.StateFile);
        ImageClassificationTask task = new(Adapted(), TrainerSetup.Training());
        new Trainer(task, TrainerSetup.Options with { Adaptation = "lora of rank 2" }).SaveState(state);
        Trainer other = new(task, TrainerSetup.Options with { Adaptation = "lora of rank 4" });
        Assert.Contains("the adaptation was lora of rank 2 in the saved run and is lora of rank 4 now", Assert.Throws<CheckpointException>(() => other.LoadState(state)).Message, StringComparison.Ordinal);
    }
}
