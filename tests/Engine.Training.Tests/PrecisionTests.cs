using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.Training.Tests;

/// <summary>Mixed precision over whole runs: gradients, accuracy, Adam-SPD's choices, saved states.</summary>
public sealed class PrecisionTests
{
    static TrainingOptions Mixed { get; } = TrainerSetup.Options with { Precision = Precision.BFloat16 };

    [Theory]
    [InlineData("vit")]
    [InlineData("swin")]
    [InlineData("llama")]
    [InlineData("lora")]
    [InlineData("upernet")]
    public void Every_gradient_of_a_model_follows_that_of_float32(string family)
    {
        (Module model, Func<Variable> loss) = PrecisionModels.Create(family);
        model.Train();
        Dictionary<string, float[]> exact = Gradients(Precision.Float32), mixed = Gradients(Precision.BFloat16);

        // How much of the difference is the model's own: what rounding its weights alone does to the gradients.
        foreach (Parameter parameter in model.Parameters) parameter.Value.CopyFrom(parameter.Value.To(DType.BFloat16).To(DType.Float32));
        Dictionary<string, float[]> rounded = Gradients(Precision.Float32);
        double whole = exact.Values.Max(Norm);
        foreach ((string name, float[] gradient) in exact)
        {
            double norm = Norm(gradient), difference = Distance(gradient, mixed[name]), own = Distance(gradient, rounded[name]);
            TestContext.Current.SendDiagnosticMessage($"{family} {name} {256 * difference / norm:F2} of 2^-8, own {256 * own / norm:F2}, norm {norm / whole:E1}");
            Assert.True(difference < (6 * norm + 0.5 * whole) / 256 + 4 * own, $"{name}: the gradient in bfloat16 is off by {difference / norm:P2}, rounded weights alone change it by {own / norm:P2}");
        }

        Dictionary<string, float[]> Gradients(Precision precision)
        {
            using StepScope step = StepScope.Begin();
            foreach (Parameter parameter in model.Parameters) parameter.ZeroGradient();
            model.Random = new RandomSource(4);
            Variable result;
            using (Tape.Autocast(precision)) result = loss();
            result.Backward();
            return model.Parameters.Where(parameter => parameter.Trainable).ToDictionary(parameter => parameter.Name, parameter => parameter.Gradient!.ToArray<float>());
        }
    }

    static double Distance(float[] a, float[] b) => Norm([.. a.Zip(b, (x, y) => x - y)]);

    static double Norm(float[] values) => Math.Sqrt(values.Sum(value => (double)value * value));

    [Fact, Trait("Speed", "Slow")]
    public void A_run_reaches_the_accuracy_of_float32()
    {
        VitConfig config = TrainerSetup.Config with { Width = 32, MlpWidth = 64, PatchSize = 4, Dropout = 0, DropPath = 0 };
        double[] exact = [.. Seeds().Select(seed => Accuracy(Precision.Float32, seed))], mixed = [.. Seeds().Select(seed => Accuracy(Precision.BFloat16, seed))];
        TestContext.Current.SendDiagnosticMessage($"float32 {string.Join(' ', exact)}, bfloat16 {string.Join(' ', mixed)}");
        double spread = exact.Max() - exact.Min();
        Assert.True(mixed.Average() > exact.Average() - Math.Max(spread, 0.05), $"float32 reaches {string.Join(", ", exact)}, bfloat16 {string.Join(", ", mixed)}");
        Assert.True(mixed.Average() > 0.3, $"ten classes, bfloat16 reaches {string.Join(", ", mixed)}");

        static IEnumerable<ulong> Seeds() => [1, 2, 3];

        double Accuracy(Precision precision, ulong seed)
        {
            BatchLoader Images(DrawnSplit split, int count, bool shuffles) => new(
                new CachedDataset(new DrawnDomains(1, split, [DrawnDomain.Filled], count, 16)), Preprocessing.Plain(16),
                new BatchLoaderOptions { BatchSize = 32, Shuffle = shuffles, DropLast = shuffles, Seed = seed });
            TrainingOptions options = new() { Optimizer = OptimizerKind.AdamW, LearningRate = 3e-3, Epochs = 15, Seed = seed, Precision = precision };
            Trainer trainer = new(new ImageClassificationTask(new VisionTransformer(config, seed), Images(DrawnSplit.Train, 2000, true), Images(DrawnSplit.Validation, 200, false)), options);
            trainer.Fit();
            return trainer.BestScore;
        }
    }

    [Fact]
    public void Adam_SPD_selects_the_layers_that_float32_selects()
    {
        IReadOnlyList<SpdTraceRow> exact = Trace(Precision.Float32), mixed = Trace(Precision.BFloat16);
        Assert.Equal(exact.Count, mixed.Count);

        // The first step's condition is 0 in both; later weights drift apart, and conditions near 0 change their side.
        int same = 0, counted = 0;
        foreach ((SpdTraceRow a, SpdTraceRow b) in exact.Zip(mixed))
        {
            if (a.Step == 1) continue;
            counted++;
            if (a.Condition < 0 == b.Condition < 0) same++;
        }

        TestContext.Current.SendDiagnosticMessage($"{(double)same / counted:P1} of {counted} signs of c agree; {exact.Count(row => row.Condition < 0)} and {mixed.Count(row => row.Condition < 0)} below 0");
        Assert.True(same > 0.9 * counted, $"{same} of {counted} signs of c agree");
        Assert.Contains(exact, row => row.Projected);

        static IReadOnlyList<SpdTraceRow> Trace(Precision precision)
        {
            VisionTransformer model = new(TrainerSetup.Config with { Dropout = 0, DropPath = 0 }, 3);
            foreach (Parameter parameter in model.Parameters) parameter.IsFresh = false;
            Trainer trainer = TrainerSetup.Trainer(model, TrainerSetup.Options with { Precision = precision, KeepTrace = true, LearningRate = 1e-3 }, validates: false);
            trainer.Fit();
            return [.. Assert.IsType<AdamSpd>(trainer.Optimizer).Projection.Trace];
        }
    }

    [Fact]
    public void A_state_holds_float32_alone_and_a_resumed_run_ends_with_the_same_bits()
    {
        Trainer whole = TrainerSetup.Trainer(Mixed);
        whole.Fit();

        using DataFolder folder = new();
        using CancellationTokenSource source = new();
        Trainer first = TrainerSetup.Trainer(Mixed);
        first.EpochFinished += (trainer, _) =>
        {
            if (trainer.Epoch == 2) source.Cancel();
        };
        Assert.ThrowsAny<OperationCanceledException>(() => first.Fit(cancellation: source.Token));
        string path = Path.Combine(folder.Path, Trainer.StateFile);
        first.SaveState(path);
        using (SafeTensors file = SafeTensors.Open(path))
            Assert.All(file.Items.Values.Where(item => item.Name.StartsWith("weight.", StringComparison.Ordinal)), item => Assert.Equal(SafeTensorType.F32, item.Type));

        Trainer second = TrainerSetup.Trainer(Mixed, seed: 99);
        second.LoadState(path);
        second.Fit();
        Assert.Equal(TrainerSetup.Weights(whole), TrainerSetup.Weights(second));
        Assert.Equal((whole.BestScore, whole.BestEpoch), (second.BestScore, second.BestEpoch));
        Assert.NotEqual(TrainerSetup.Weights(Exact()), TrainerSetup.Weights(second));
        Assert.Contains("the precision was BFloat16 in the saved run and is Float32 now",
            Assert.Throws<CheckpointException>(() => TrainerSetup.Trainer(TrainerSetup.Options).LoadState(path)).Message);

        static Trainer Exact()
        {
            Trainer trainer = TrainerSetup.Trainer(TrainerSetup.Options);
            trainer.Fit();
            return trainer;
        }
    }

    [Fact]
    public void Recomputed_blocks_and_accumulated_batches_work_as_in_float32()
    {
        float[] kept = Train(recomputes: false), recomputed = Train(recomputes: true);
        Assert.Equal(kept, recomputed);

        static float[] Train(bool recomputes)
        {
            Trainer trainer = TrainerSetup.Trainer(Mixed with { Epochs = 2, Recompute = recomputes, Accumulation = 2 });
            trainer.Fit();
            return TrainerSetup.Weights(trainer);
        }
    }

    [Fact]
    public void What_backward_waits_for_takes_about_half_the_memory()
    {
        VisionTransformer model = new(TrainerSetup.Config with { ImageSize = 32, PatchSize = 4, Width = 96, MlpWidth = 384, Depth = 4, Heads = 3, Dropout = 0, DropPath = 0 }, 3);
        Tensor pixels = RandomNumbers.Normal([16, 3, 32, 32], new Philox(1)), labels = Tensor.From(new int[16], [16]);
        model.Train();
        ParameterArena arena = new(model.Parameters);
        using NarrowWeights narrow = new(arena, model.Parameters);
        (long mixed, long mixedPeak) = Kept(Precision.BFloat16);
        (long exact, long exactPeak) = Kept(Precision.Float32);
        TestContext.Current.SendDiagnosticMessage($"activations {exact:N0} bytes in float32, {mixed:N0} in bfloat16; peaks {exactPeak:N0} and {mixedPeak:N0}");
        Assert.True(mixed < 0.6 * exact, $"activations hold {exact:N0} bytes in float32 and {mixed:N0} in bfloat16");

        (long Kept, long Peak) Kept(Precision precision)
        {
            using StepScope step = StepScope.Begin();
            long before = model.Device.Backend.Memory.Used;
            Variable loss;
            using (Tape.Autocast(precision)) loss = Functions.CrossEntropy(model.Forward(pixels), labels);
            long kept = model.Device.Backend.Memory.Used - before;
            loss.Backward();
            return (kept, model.Device.Backend.Memory.Peak);
        }
    }

    [Fact]
    public void After_a_run_no_copies_of_weights_are_left()
    {
        Trainer trainer = TrainerSetup.Trainer(Mixed with { Epochs = 1, Freeze = ["blocks.0.*"] });
        trainer.EpochFinished += (_, _) => Assert.All(trainer.Model.Parameters, parameter =>
            Assert.Equal(parameter.Value.To(DType.BFloat16).ToArray<ushort>(), parameter.Narrow!.ToArray<ushort>()));
        trainer.Fit();
        Assert.All(trainer.Model.Parameters, parameter => Assert.Null(parameter.Narrow));
        Assert.Equal(Precision.Float32, Tape.Precision);
    }
}
