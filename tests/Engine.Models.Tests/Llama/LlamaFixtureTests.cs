using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class LlamaFixtureTests
{
    public static IEnumerable<TheoryDataRow<FixtureCase>> Cases =>
        ModelFixtures.Cases("llama").Where(row => LlamaModels.Names.Contains(row.Data.Name));

    [Theory, MemberData(nameof(Cases))]
    public void Logits_loss_and_every_gradient_are_the_references(FixtureCase reference)
    {
        using Fixture f = reference.Open();
        using StepScope step = StepScope.Begin();
        using SafeTensorsScratch scratch = new();
        LoadedModel<Llama> loaded = ModelFolder.Load<Llama>(LlamaModels.Widened(f.Name, scratch), new() { Device = f.Device });
        Assert.All(loaded.Model.Parameters, parameter => Assert.False(parameter.IsFresh));
        Tensor tokens = f.Load("in.ids");
        Variable logits = loaded.Model.Forward(tokens);
        Close(f, logits.Value, "out.logits");

        int last = tokens.Shape[1] - 1, vocabulary = loaded.Model.Config.VocabularySize;
        Variable before = Functions.Reshape(Functions.Slice(logits, 1, 0, last), -1, vocabulary);
        Variable loss = Functions.CrossEntropy(before, tokens.Slice(1, 1, last + 1).Reshape(-1));
        Close(f, loss.Value.Reshape(1), "out.loss");

        loss.Backward();
        foreach (Parameter parameter in loaded.Model.Parameters) parameter.Load(parameter.Gradient!);
        loaded.Save(scratch["gradients"]);
        using ShardedSafeTensors gradients = ShardedSafeTensors.Open(scratch["gradients"]);
        Assert.NotEmpty(gradients.Items);
        foreach (string name in gradients.Items.Keys)
        {
            Tensor expected = f.Load($"grad.{name}");
            TensorAssert.Close(Tensor.From(gradients.Read<float>(name), expected.Shape), expected, f.RelativeTolerance, f.AbsoluteTolerance, $"{f.Name}: grad.{name}");
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Half_precision_weights_are_widened_exactly(FixtureCase reference)
    {
        using Fixture f = reference.Open();
        using SafeTensorsScratch scratch = new();
        Llama stored = LlamaModels.Load(f.Name), widened = ModelFolder.Load<Llama>(LlamaModels.Widened(f.Name, scratch)).Model;
        foreach (Parameter parameter in stored.Parameters) TensorAssert.SameBits(parameter.Value.To(DType.Float32), widened[parameter.Name].Value, parameter.Name);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Greedy_tokens_are_the_references_through_the_cache_and_without(FixtureCase reference)
    {
        using Fixture f = reference.Open();
        Llama model = ModelFolder.Load<Llama>(ModelFixtures.Folder(f.Name), new() { Device = f.Device }).Model;
        int[] expected = f.Load("out.greedy").To(DType.Int32).ToArray<int>();
        int prompt = f.Config<int>("prompt_length");
        using KeyValueCache cache = new(model.Config, capacity: 8, device: f.Device);
        List<int> tokens = [.. expected[..prompt]];
        Tensor next = Tensor.From(expected[..prompt], [1, prompt], f.Device);
        while (tokens.Count < expected.Length)
        {
            using StepScope step = StepScope.Begin();
            using Tape.Pause pause = Tape.NoGradient();
            Tensor logits = model.Step(next, cache);
            Tensor whole = model.Forward(Tensor.From(tokens.ToArray(), [1, tokens.Count], f.Device)).Value.Select(1, -1);
            TensorAssert.Close(logits, whole, 1e-5, 1e-5, $"{f.Name}: logits after {tokens.Count} tokens");
            float[] scores = logits.ToArray<float>();
            tokens.Add(Array.IndexOf(scores, scores.Max()));
            next = Outside(tokens[^1], f.Device);
        }

        Assert.Equal(expected, tokens);
        Assert.Equal(expected.Length - 1, cache.Length);
    }

    static Tensor Outside(int token, Device device)
    {
        using StepScope outside = StepScope.Outside();
        return Tensor.From<int>([token], [1, 1], device);
    }

    static void Close(Fixture f, Tensor ours, string name) =>
        TensorAssert.Close(ours, f.Load(name), f.RelativeTolerance, f.AbsoluteTolerance, $"{f.Name}: {name}");
}
