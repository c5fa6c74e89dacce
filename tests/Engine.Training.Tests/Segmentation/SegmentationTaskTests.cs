using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Training.Tests;

public sealed class SegmentationTaskTests
{
    static readonly Preprocessing Sixteen = Preprocessing.Plain(16);

    [Fact]
    public void The_loss_is_the_mean_over_pixels_that_count_and_the_weighted_auxiliary_one()
    {
        PixelSegmenter model = new(3, auxiliary: true);
        float[] pixels = [.. Enumerable.Range(0, 3 * 4).Select(i => 0.1f * i - 0.5f)];
        int[] labels = [2, 255, 0, 1];
        using StepScope scope = StepScope.Begin();
        Tensor input = Tensor.From(pixels, [1, 3, 2, 2]);
        StepResult result = SegmentationTask.Forward(model, input, Tensor.From(labels, [1, 2, 2]), 3, 0);
        var (logits, auxiliary) = model.ForwardBoth(input);
        Assert.Equal(Loss(logits) + 0.25 * Loss(auxiliary!.Value), result.Loss.Value.Item(), 1e-5);
        Assert.Equal(3, result.Predictions);
        Assert.Equal(Enumerable.Range(0, 4).Count(p => labels[p] == Best(logits.Value.ToArray<float>(), p)), result.Hits.Item());

        double Loss(Variable of)
        {
            float[] values = of.Value.ToArray<float>();
            return Enumerable.Range(0, 4).Where(p => labels[p] != 255).Average(p =>
                Math.Log(Enumerable.Range(0, 3).Sum(c => Math.Exp(values[4 * c + p]))) - values[4 * labels[p] + p]);
        }

        static int Best(float[] values, int p) => Enumerable.Range(0, 3).MaxBy(c => values[4 * c + p]);
    }

    [Fact]
    public void A_model_learns_what_a_pixel_s_colour_tells()
    {
        // Shapes lie brighter or darker on the ground, whichever; so the data are made of colours that tell.
        ColourDataset data = new(24);
        PixelSegmenter model = new PixelSegmenter(3).Built();
        SegmentationTask task = new(model, Loader(data), data, new() { BatchSize = 8 });
        Trainer trainer = new(task, new() { Optimizer = OptimizerKind.AdamW, LearningRate = 0.1, Epochs = 8 });
        Measurement before = task.Validate(default)!, after = before;
        trainer.EpochFinished += (_, measured) => after = measured!;
        trainer.Fit();
        Assert.True(after.Score > 0.9, $"mIoU {before.Score} to {after.Score}");
        Assert.Equal("mIoU", after.ScoreName);
        Assert.True(after.Loss < before.Loss / 2);
    }

    [Fact]
    public void A_run_that_is_resumed_ends_with_the_same_bits()
    {
        using DataFolder folder = new();
        string state = Path.Combine(folder.Path, "state");
        TrainingOptions options = new() { LearningRate = 0.01, Epochs = 2, Optimizer = OptimizerKind.AdamSpd };
        Trainer whole = Make(1);
        whole.Fit();

        using CancellationTokenSource source = new();
        Trainer begun = Make(3, source);
        Assert.Throws<OperationCanceledException>(() => begun.Fit(cancellation: source.Token));
        Assert.InRange(begun.StepInEpoch, 1, 5);        // of 6; the loader is a little ahead
        begun.SaveState(state);
        Trainer resumed = Make(2);
        foreach (var (name, value) in begun.Arena.Segments.Select(segment => (segment.Name, segment.Parameter.Value)))
            resumed.Model[name].Value.CopyFrom(value.ToArray<float>());
        resumed.LoadState(state);
        resumed.Fit();
        Assert.Equal(TrainerSetup.Weights(whole), TrainerSetup.Weights(resumed));

        Trainer Make(int threads, CancellationTokenSource? source = null) => new(
            new SegmentationTask(new PixelSegmenter(3).Built(), Loader(new ColourDataset(24, source, 14), threads)), options);
    }

    [Fact]
    public void A_resumed_run_has_the_running_statistics_too()
    {
        using CancellationTokenSource source = new();
        Trainer begun = Normalizing(new ColourDataset(24, source, 14));
        Assert.Throws<OperationCanceledException>(() => begun.Fit(cancellation: source.Token));
        Assert.InRange(begun.StepInEpoch, 1, 5);
        AssertResumesAs(Normalizing(new ColourDataset(24)), begun, Normalizing(new ColourDataset(24)));
    }

    // The batches of the step that was broken off are seen again: their statistics must not count twice.
    [Theory]
    [InlineData(1, 2)]
    [InlineData(3, 2)]
    [InlineData(5, 3)]
    public void A_run_stopped_between_the_batches_of_a_step_has_the_running_statistics_of_its_start(int batches, int accumulation)
    {
        Trainer Make(int taken) => Normalizing(new ColourDataset(24), accumulation, taken);
        Trainer begun = Make(batches);
        Assert.Throws<OperationCanceledException>(() => begun.Fit());
        Assert.Equal(batches / accumulation, begun.StepInEpoch);
        AssertResumesAs(Make(int.MaxValue), begun, Make(int.MaxValue));
    }

    /// <summary>A trainer of a model with batch normalization.</summary>
    static Trainer Normalizing(ISegmentationDataset data, int accumulation = 1, int batches = int.MaxValue)
    {
        Models.UperNet model = new(new()
        {
            Backbone = new() { ImageSize = 16, PatchSize = 2, Width = 8, Depths = [1, 1, 1, 1], Heads = [1, 2, 4, 8], WindowSize = 4, WindowRule = Models.WindowRule.PadAndShift, Classes = 0 },
            Classes = 3,
            Channels = 8,
            AuxiliaryChannels = 8,
        });
        return new(new CutOffTask(new SegmentationTask(model, Loader(data)), batches), new() { LearningRate = 0.01, Epochs = 1, Accumulation = accumulation });
    }

    static void AssertResumesAs(Trainer whole, Trainer begun, Trainer resumed)
    {
        using DataFolder folder = new();
        string state = Path.Combine(folder.Path, "state");
        whole.Fit();
        begun.SaveState(state);
        resumed.LoadState(state);
        resumed.Fit();
        Assert.Contains(whole.Model.Parameters, parameter => parameter.IsBuffer);
        foreach (Parameter parameter in whole.Model.Parameters)
            Assert.Equal(parameter.Value.ToArray<float>(), resumed.Model[parameter.Name].Value.ToArray<float>());
    }

    [Fact]
    public void Other_data_than_the_saved_run_s_are_refused()
    {
        using DataFolder folder = new();
        string state = Path.Combine(folder.Path, "state");
        new Trainer(new SegmentationTask(new PixelSegmenter(3).Built(), Loader(new ColourDataset(24))), new()).SaveState(state);
        var refused = Assert.Throws<Models.CheckpointException>(() =>
            new Trainer(new SegmentationTask(new PixelSegmenter(3).Built(), Loader(new ColourDataset(20))), new()).LoadState(state));
        Assert.Contains("the training images were 24 in the saved run and are 20 now", refused.Message);
    }

    [Fact]
    public void Refuses_data_of_another_number_of_classes() =>
        Assert.Contains("The model tells 4 classes apart, the data have 3", Assert.Throws<ShapeException>(() =>
            new SegmentationTask(new PixelSegmenter(4), Loader(new ColourDataset(8)))).Message);

    [Fact]
    public void A_split_holds_some_out_and_loses_none()
    {
        var (training, heldOut) = SegmentationSubset.Split(new ColourDataset(24), 0.25, 3);
        Assert.Equal((18, 6), (training.Count, heldOut.Count));
        Assert.Equal(24, Names(training).Concat(Names(heldOut)).Distinct().Count());
        Assert.Equal(Names(heldOut), Names(SegmentationSubset.Split(new ColourDataset(24), 0.25, 3).HeldOut));
        Assert.Equal(1, SegmentationSubset.Split(new ColourDataset(2), 0.1, 3).HeldOut.Count);

        static string[] Names(ISegmentationDataset data) => [.. Enumerable.Range(0, data.Count).Select(data.Name)];
    }

    static SegmentationLoader Loader(ISegmentationDataset data, int threads = 1) => new(data, Sixteen, new()
    {
        BatchSize = 4,
        Shuffle = true,
        DropLast = true,
        Seed = 2,
        Threads = threads,
        Augmentation = new SegmentationAugmentation(),
    });

    /// <summary>Patches of red, green and blue, each more or less bright; the colour is the class.</summary>
    sealed class ColourDataset(int count, CancellationTokenSource? source = null, int cancelAt = 0) : ISegmentationDataset
    {
        int loaded;

        public int Count => count;

        public IReadOnlyList<string> ClassNames => ["red", "green", "blue"];

        public string Name(int index) => $"{index}";

        public SegmentationSample Load(int index)
        {
            if (Interlocked.Increment(ref loaded) == cancelAt) source?.Cancel();
            PhiloxSequence random = new(new Philox(5, (ulong)index));
            RgbImage image = new(20, 20);
            LabelMask mask = new(20, 20);
            for (int y = 0; y < 20; y++)
                for (int x = 0; x < 20; x++)
                {
                    byte label = (byte)((x / 10 + 2 * (y / 10) + index) % 3);
                    mask.Row(y)[x] = label;
                    image.Row(y)[3 * x + label] = (byte)(150 + random.Below(100));
                }
            return new(image, mask);
        }
    }
}
