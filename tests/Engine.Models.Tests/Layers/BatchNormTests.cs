using Engine.Tensors;

namespace Engine.Models.Tests;

public sealed class BatchNormTests
{
    static Tensor Batch => RandomNumbers.Normal([3, 2, 2, 2], new Philox(5), mean: 1, deviation: 2);

    // torch.nn.BatchNorm2d as documented: biased variance to normalise, unbiased one to remember, momentum 0.1.
    [Fact]
    public void Training_normalises_with_the_batch_and_remembers_a_tenth_of_it()
    {
        using StepScope step = StepScope.Begin();
        Stack model = new();
        model.Train();
        float[] x = Batch.ToArray<float>(), y = model.Norm.Forward(Batch).Value.ToArray<float>();
        for (int channel = 0; channel < 2; channel++)
        {
            int[] places = [.. Enumerable.Range(0, x.Length).Where(i => i / 4 % 2 == channel)];
            double mean = places.Average(i => (double)x[i]), variance = places.Average(i => (x[i] - mean) * (x[i] - mean));
            foreach (int i in places) Assert.Equal((x[i] - mean) / Math.Sqrt(variance + 1e-5), y[i], 1e-5);
            Assert.Equal(0.1 * mean, model["norm.mean"].Value.ToArray<float>()[channel], 1e-6);
            Assert.Equal(0.9 + 0.1 * variance * 12 / 11, model["norm.variance"].Value.ToArray<float>()[channel], 1e-5);
        }
    }

    [Fact]
    public void Evaluation_uses_what_was_remembered_and_changes_nothing()
    {
        using StepScope step = StepScope.Begin();
        Stack model = new();
        model["norm.mean"].Load(Tensor.From<float>([1, 2], [2]));
        model["norm.variance"].Load(Tensor.From<float>([4, 9], [2]));
        float[] x = Batch.ToArray<float>(), y = model.Norm.Forward(Batch).Value.ToArray<float>();
        for (int i = 0; i < x.Length; i++) Assert.Equal(i / 4 % 2 == 0 ? (x[i] - 1) / 2 : (x[i] - 2) / 3, y[i], 1e-4f);
        Assert.Equal([1, 2], model["norm.mean"].Value.ToArray<float>());
    }

    [Fact]
    public void Buffers_are_never_trained_and_do_not_count()
    {
        Stack model = new();
        model.Unfreeze("*");
        Assert.Equal(["norm.mean", "norm.variance"], model.Parameters.Where(parameter => !parameter.Trainable).Select(parameter => parameter.Name));
        Assert.Equal(4, model.ParameterCount);
        model.Freeze("*");
        Assert.False(model.IsTrainable);
    }

    [Fact]
    public void One_element_a_channel_is_refused_in_training()
    {
        Stack model = new();
        Tensor single = Tensor.Ones([1, 2, 1, 1]);
        Assert.Equal([1, 2, 1, 1], model.Norm.Forward(single).Shape);
        model.Train();
        Assert.Contains("norm: x is [1, 2, 1, 1], one element a channel", Assert.Throws<ShapeException>(() => model.Norm.Forward(single)).Message, StringComparison.Ordinal);
    }

    sealed class Stack : Module
    {
        public Stack() : base(ModuleScope.Root()) => Norm = new(At / "norm", 2);

        public BatchNorm Norm { get; }
    }
}
