using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Training.Tests;

/// <summary>Sixteen steps of a small vision transformer, and of LoRA on a small LLaMA, against torch, timm and the official AdamSPD in double precision.</summary>
public sealed class TrainingFixtureTests
{
    [Theory, FixtureData("training")]
    public void Training_follows_the_reference_step_by_step(FixtureCase reference)
    {
        using Fixture fixture = reference.Open();
        foreach (string optimizer in fixture.Config<string[]>("optimizers"))
        {
            switch (fixture.Config<string>("model"))
            {
                case "vit":
                    CheckVit(fixture, optimizer);
                    break;
                case "llama_lora":
                    CheckLora(fixture, optimizer);
                    break;
                case string model:
                    Assert.Fail($"{fixture.Name}: nothing here trains a model of kind '{model}'.");
                    break;
            }
        }
    }

    static void CheckVit(Fixture fixture, string optimizer)
    {
        LoadedModel<ImageClassifier> loaded = Load(fixture), nudged = Load(fixture);
        CheckSteps(fixture, optimizer, loaded.Model, step => Batch(fixture, loaded.Model, step));
        Nudge(nudged.Model);
        Trainer other = new(new FixedBatchTask(nudged.Model), new TrainingOptions(), arena => Create(fixture, optimizer, arena));
        for (int step = 0; step < fixture.Config<int>("steps"); step++)
        {
            using StepScope scope = StepScope.Begin();
            other.Step(Batch(fixture, nudged.Model, step));
        }

        CheckWeights(fixture, optimizer, loaded, nudged);
    }

    static LoadedModel<ImageClassifier> Load(Fixture fixture) =>
        ModelFolder.Load<ImageClassifier>(FixtureFolder.Path("training", fixture.Name), new LoadOptions { Device = fixture.Device });

    static FixedBatch Batch(Fixture fixture, ImageClassifier model, int step)
    {
        Tensor pixels = fixture.Load($"batch.{step}.pixels"), labels = fixture.Load($"batch.{step}.labels").To(DType.Int32);
        return new(labels.Shape[0], smoothing => ImageClassificationTask.Forward(model, pixels, labels, smoothing));
    }

    // Every weight by up to one unit in the last place: a change that single precision cannot tell from rounding.
    static void Nudge(Module model)
    {
        Philox random = new(11);
        foreach (Parameter parameter in model.Parameters)
        {
            using StepScope scope = StepScope.Begin();
            Tensor change = RandomNumbers.Uniform(parameter.Shape, random, low: 1 - 1.2e-7f, high: 1 + 1.2e-7f, device: model.Device);
            random = new(random.Seed + 1);
            parameter.Value.CopyFrom(Elementwise.Map(new Multiply(), parameter.Value, change));
        }
    }

    static void CheckLora(Fixture fixture, string optimizer)
    {
        using LoraTrainingFixture lora = new(fixture);
        CheckSteps(fixture, optimizer, lora.Model, lora.Batch);
        lora.CheckWeights(optimizer);
    }

    static void CheckSteps(Fixture fixture, string optimizer, Module model, Func<int, TrainingBatch> batch)
    {
        Trainer trainer = new(new FixedBatchTask(model), new TrainingOptions(), arena => Create(fixture, optimizer, arena));
        int steps = fixture.Config<int>("steps");
        (float[] losses, long[] projected) = (new float[steps], new long[steps]);
        for (int step = 0; step < steps; step++)
        {
            using StepScope scope = StepScope.Begin();
            losses[step] = (float)trainer.Step(batch(step));
            projected[step] = trainer.Optimizer.Projection?.Trace.Latest.Count(row => row.Projected) ?? 0;
        }

        Close(fixture, Tensor.From<float>(losses, [steps], fixture.Device), $"{optimizer}.losses");
        Assert.Equal(fixture.Load($"{optimizer}.projected").ToArray<long>(), projected);
    }

    // By way of a saved folder, where the weights bear the reference's names.
    static void CheckWeights(Fixture fixture, string optimizer, LoadedModel<ImageClassifier> loaded, LoadedModel<ImageClassifier> nudged)
    {
        using DataFolder folder = new();
        string saved = Path.Combine(folder.Path, "model"), other = Path.Combine(folder.Path, "nudged");
        loaded.Save(saved);
        nudged.Save(other);
        using SafeTensors weights = SafeTensors.Open(Path.Combine(saved, "model.safetensors")), beside = SafeTensors.Open(Path.Combine(other, "model.safetensors"));
        foreach (string name in weights.Items.Keys)
        {
            Tensor reference = fixture.Load($"{optimizer}.final.{name}"), ours = Tensor.From(weights.Read<float>(name), reference.Shape, fixture.Device);
            if (name.EndsWith("attn.qkv.bias", StringComparison.Ordinal))
                CheckQkvBias(fixture, ours, reference, Tensor.From(beside.Read<float>(name), reference.Shape, fixture.Device), $"{optimizer}.final.{name}");
            else Close(fixture, ours, $"{optimizer}.final.{name}");
        }

        Assert.Equal(loaded.Model.Parameters.Count, weights.Items.Count);
    }

    // Softmax does not see what all keys have in common: the gradient of the key bias is zero but for rounding, and that of the
    // query bias is what is left of a sum that nearly vanishes. Adam divides a gradient by its own size, so rounding alone
    // moves these; by how much, the run from weights that differ by rounding shows.
    static void CheckQkvBias(Fixture fixture, Tensor ours, Tensor reference, Tensor nudged, string what)
    {
        int width = ours.Shape[0] / 3;
        double reach = fixture.Config<int>("steps") * fixture.Config<double>("lr");
        for (int part = 0; part < 3; part++)
        {
            Tensor mine = Part(ours, part), moved = Elementwise.Map(new Absolute(), Elementwise.Map(new Subtract(), mine, Part(nudged, part)));
            double rounding = Math.Min(4 * moved.ToArray<float>().Max(), reach);
            TensorAssert.Close(mine, Part(reference, part), fixture.RelativeTolerance, Math.Max(fixture.AbsoluteTolerance, part == 1 ? reach : rounding), $"{fixture.Name}: {what}, part {part}");
        }

        Tensor Part(Tensor whole, int part) => whole.Slice(0, part * width, (part + 1) * width).Contiguous();
    }

    static void Close(Fixture fixture, Tensor ours, string name) =>
        TensorAssert.Close(ours, fixture.Load(name), fixture.RelativeTolerance, fixture.AbsoluteTolerance, $"{fixture.Name}: {name}");

    // Weight decay of the reference's AdamW is torch's: on every parameter. The official AdamSPD anchors every parameter too.
    static Optimizer Create(Fixture fixture, string optimizer, ParameterArena arena) => optimizer switch
    {
        "adamw" => new AdamW(arena, new AdamOptions
        {
            LearningRate = fixture.Config<double>("lr"),
            WeightDecay = fixture.Config<double>("weight_decay_adamw"),
        }),
        "adam_spd" => new AdamSpd(arena, new AdamSpdOptions
        {
            LearningRate = fixture.Config<double>("lr"),
            Lambda = fixture.Config<double>("weight_decay_spd"),
        }),
        _ => throw new NotSupportedException($"{fixture.Name}: nothing here is the optimizer '{optimizer}'."),
    };
}
