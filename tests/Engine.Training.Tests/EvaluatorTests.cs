using Engine.Tensors;

namespace Engine.Training.Tests;

public sealed class EvaluatorTests
{
    [Fact]
    public void Counts_every_image_and_agrees_with_the_model_image_by_image()
    {
        Models.VisionTransformer model = TrainerSetup.Model();
        BatchLoader images = TrainerSetup.Validation();
        model.Train();      // the evaluator turns dropout off
        ClassificationResult result = Evaluator.Run(model, images);
        Assert.False(model.IsTraining);
        int[,] confusion = new int[10, 10];
        double loss = 0;
        for (int i = 0; i < images.Dataset.Count; i++)
        {
            float[] pixels = images.Preprocessing.ToPixels(images.Dataset.Load(i));
            float[] logits = model.Forward(Tensor.From<float>(pixels, [1, 3, 16, 16])).Value.ToArray<float>();
            confusion[images.Dataset.Label(i), Array.IndexOf(logits, logits.Max())]++;
            loss += Math.Log(logits.Sum(logit => Math.Exp(logit))) - logits[images.Dataset.Label(i)];
        }

        Assert.Equal(20, result.Count);
        Assert.Equal(loss / 20, result.Loss, 1e-5);
        int correct = 0;
        for (int actual = 0; actual < 10; actual++)
        {
            correct += confusion[actual, actual];
            Assert.Equal(2, result.CountOf(actual));
            for (int predicted = 0; predicted < 10; predicted++) Assert.Equal(confusion[actual, predicted], result.Confusion(actual, predicted));
        }

        Assert.Equal(correct / 20.0, result.Accuracy);
    }

    [Theory]
    [InlineData(9)]
    [InlineData(11)]
    public void Refuses_data_of_another_number_of_classes(int classes)
    {
        Models.VisionTransformer model = new(TrainerSetup.Config with { Classes = classes });
        ShapeException refused = Assert.Throws<ShapeException>(() => Evaluator.Run(model, TrainerSetup.Validation()));
        Assert.Contains($"{classes} classes", refused.Message);
        Assert.Contains("10", refused.Message);
    }

    [Fact]
    public void Stops_when_cancelled() =>
        Assert.ThrowsAny<OperationCanceledException>(() => Evaluator.Run(TrainerSetup.Model(), TrainerSetup.Validation(), new CancellationToken(true)));
}
