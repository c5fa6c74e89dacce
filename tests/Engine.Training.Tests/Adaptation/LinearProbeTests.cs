using Engine.Models;
using Engine.Optim;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Training.Tests;

public sealed class LinearProbeTests
{
    static readonly TrainingOptions Head = new() { Optimizer = OptimizerKind.Adam, LearningRate = 1e-2, Epochs = 10, TrainOnly = ["head.*"] };

    static FeatureSet Features(ImageClassifier model, BatchLoader images) => FeatureSet.Of(model, images.Dataset, images.Preprocessing, batch: 7);

    [Fact]
    public void Cached_features_are_what_the_model_sees_without_dropout_and_augmentation()
    {
        using StepScope scope = StepScope.Begin();
        VisionTransformer model = TrainerSetup.Model();
        BatchLoader images = TrainerSetup.Validation();
        model.Train();
        FeatureSet set = Features(model, images);
        Assert.Equal(images.Dataset.Count, set.Count);
        Assert.Equal(Enumerable.Range(0, set.Count).Select(images.Dataset.Label), set.Labels.ToArray<int>());
        int first = 0;
        model.Evaluate();
        foreach (Batch batch in images.Epoch(0))
        {
            using (batch)
            {
                Tensor seen = model.Features(batch.ToTensors(model.Device).Pixels).Value;
                TensorAssert.Close(set.Features.Slice(0, first, first + batch.Count), seen, 1e-5, 1e-5, "features");
                first += batch.Count;
            }
        }
    }

    [Fact]
    public void The_head_alone_learns_and_the_measurement_is_that_of_the_whole_model()
    {
        VisionTransformer model = TrainerSetup.Model();
        Dictionary<string, float[]> before = model.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value.ToArray<float>());

        // Measured on what it learns from: that it learns is what is to be seen.
        BatchLoader training = TrainerSetup.Training();
        BatchLoader validation = new(training.Dataset, training.Preprocessing, new BatchLoaderOptions { BatchSize = 16 });
        Trainer trainer = new(new LinearProbeTask(model, Features(model, training), Features(model, validation), batch: 16), Head);
        List<Measurement> measured = [];
        trainer.EpochFinished += (_, result) => measured.Add(result!);
        trainer.Fit();
        Assert.Equal(10, measured.Count);
        Assert.True(measured[^1].Loss < measured[0].Loss, $"loss {measured[0].Loss} then {measured[^1].Loss}");
        Assert.All(model.Parameters, parameter => Assert.Equal(!parameter.Name.StartsWith("head.", StringComparison.Ordinal), before[parameter.Name].SequenceEqual(parameter.Value.ToArray<float>())));
        ClassificationResult whole = Evaluator.Run(model, validation);
        Assert.Equal(whole.Accuracy, measured[^1].Score);
        Assert.Equal(whole.Loss, measured[^1].Loss, 1e-4);
    }

    [Fact]
    public void A_probe_that_is_resumed_in_the_middle_of_an_epoch_comes_out_the_same()
    {
        (VisionTransformer whole, VisionTransformer halves) = (TrainerSetup.Model(), TrainerSetup.Model());
        new Trainer(Task(whole), Head).Fit();
        using CancellationTokenSource source = new();
        Trainer first = new(Task(halves), Head, TrainerSetup.CancelAfter(6, source, Head));
        Assert.ThrowsAny<OperationCanceledException>(() => first.Fit(cancellation: source.Token));
        Assert.Equal(2, first.StepInEpoch);
        first.Fit();
        Assert.Equal(whole["head.weight"].Value.ToArray<float>(), halves["head.weight"].Value.ToArray<float>());

        static LinearProbeTask Task(VisionTransformer model) => new(model, Features(model, TrainerSetup.Training()), batch: 16);
    }

    [Fact]
    public void Lp_ft_probes_first_and_then_anchors_everything_at_what_it_has()
    {
        VisionTransformer model = TrainerSetup.Model();
        float[] start = model["head.weight"].Value.ToArray<float>(), block = model["blocks.0.mlp.fc1.weight"].Value.ToArray<float>();
        ImageClassificationTask task = new(model, TrainerSetup.Training(), TrainerSetup.Validation());
        Measurement? measured = new LpFt(task, Head with { TrainOnly = [] }).Probe();
        float[] probed = model["head.weight"].Value.ToArray<float>();
        Assert.NotNull(measured);
        Assert.NotEqual(start, probed);
        Assert.Equal(block, model["blocks.0.mlp.fc1.weight"].Value.ToArray<float>());
        Assert.All(model.Parameters, parameter => Assert.True(parameter.Trainable));

        Trainer trainer = new(task, new TrainingOptions { Epochs = 1, LearningRate = 1e-3 });
        ArenaSegment head = trainer.Arena.Segments.Single(segment => segment.Name == "head.weight");
        Assert.True(head.IsAnchored);
        Assert.Equal(probed, trainer.Arena.View(trainer.Arena.Anchors!, head).ToArray<float>());
        trainer.Fit();
        Assert.NotEqual(block, model["blocks.0.mlp.fc1.weight"].Value.ToArray<float>());

        Trainer excluded = new(task, new TrainingOptions { AnchorExclude = ["head.*"] });
        Assert.False(excluded.Arena.Segments.Single(segment => segment.Name == "head.weight").IsAnchored);
    }

    [Fact]
    public void Lp_ft_leaves_adapters_as_what_is_trained_in_the_second_phase()
    {
        VisionTransformer model = TrainerSetup.Model();
        Peft.Attach(model, new LoraOptions { Targets = ["qkv"], TrainHead = true });
        ImageClassificationTask task = new(model, TrainerSetup.Training());
        string[] trained = [.. model.Parameters.Where(parameter => parameter.Trainable).Select(parameter => parameter.Name)];
        new LpFt(task, Head with { TrainOnly = [], Epochs = 1 }).Probe();
        Assert.Equal(trained, model.Parameters.Where(parameter => parameter.Trainable).Select(parameter => parameter.Name));
    }
}
