using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class ClassifierFixtureTests
{
    public static IEnumerable<TheoryDataRow<FixtureCase>> Cases => [.. ModelFixtures.Cases("vit_"), .. ModelFixtures.Cases("clip_vision_"), .. ModelFixtures.Cases("swin_")];

    [Theory, MemberData(nameof(Cases))]
    public void Logits_loss_and_every_gradient_are_the_references(FixtureCase reference)
    {
        using Fixture f = reference.Open();
        using StepScope step = StepScope.Begin();
        using SafeTensorsScratch scratch = new();
        LoadedModel<ImageClassifier> loaded = ModelFolder.Load<ImageClassifier>(ModelFixtures.Folder(f.Name), new() { Device = f.Device });
        Assert.All(loaded.Model.Parameters, parameter => Assert.False(parameter.IsFresh));
        Variable pixels = new(f.Load("in.pixels"), requiresGradient: true);
        Variable logits = loaded.Model.Forward(pixels);
        Variable loss = Functions.CrossEntropy(logits, f.Load("in.labels"));
        Close(f, logits.Value, "out.logits");
        Close(f, loss.Value.Reshape(1), "out.loss");

        loss.Backward();
        Close(f, pixels.Gradient!, "grad.in.pixels");

        // Saved in the place of the weights, the gradients lie under the checkpoint's own names.
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

    static void Close(Fixture f, Tensor ours, string name) =>
        TensorAssert.Close(ours, f.Load(name), f.RelativeTolerance, f.AbsoluteTolerance, $"{f.Name}: {name}");
}
