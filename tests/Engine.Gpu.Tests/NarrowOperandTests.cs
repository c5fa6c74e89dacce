using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Gpu.Tests;

/// <summary>Mixed precision on an OpenCL device: 16-bit operands with float32 sums, and whole steps, against the CPU.</summary>
public sealed class NarrowOperandTests
{
    const double Place = 1.0 / 256;

    [Theory]
    [InlineData(DType.BFloat16, true), InlineData(DType.BFloat16, false), InlineData(DType.Float16, true), InlineData(DType.Float16, false)]
    public void Products_of_16_bits_store_float32_sums(DType type, bool asProcessor) => As(asProcessor, () =>
    {
        foreach ((int rows, int outputs, int inputs) in ((int, int, int)[])[(1, 1, 1), (300, 5, 7), (5, 300, 40), (129, 70, 33), (640, 130, 128), (3000, 12, 20)])
        {
            Tensor dy = RowsOnDevice.Draw([rows, outputs], 1, 2, type), x = RowsOnDevice.Draw([rows, inputs], 2, 2, type), target = RowsOnDevice.Draw([outputs, inputs], 3);
            RowsOnDevice.Agrees(
                place =>
                {
                    Tensor sum = place(target).Clone();
                    Matrices.LinearWeightGradientInto(place(dy), place(x), sum, accumulate: true);
                    return [Matrices.LinearWeightGradient(place(dy), place(x)), sum];
                },
                2e-6, 1e-6 * Math.Sqrt(rows) + 1e-7 * rows, $"{rows} rows, [{outputs}, {inputs}]");
        }
    });

    [Fact]
    public void Batches_of_products_broadcast_and_store_float32_sums()
    {
        Tensor a = RowsOnDevice.Draw([2, 3, 20, 34], 1, 2, DType.BFloat16), b = RowsOnDevice.Draw([3, 40, 17], 2, 2, DType.BFloat16);
        RowsOnDevice.Agrees(
            place =>
            {
                Tensor y = place(Tensor.Zeros([2, 3, 20, 40]));
                Matrices.MatMulInto(place(a).Slice(-1, 0, 34, 2).Flip(-2), place(b).Transpose(), y);
                return [y];
            },
            2e-6, 1e-5, "batches");
    }

    [Fact]
    public void Norms_of_16_bits_keep_float32_statistics_and_sums()
    {
        foreach ((int rows, int length) in ((int, int)[])[(1, 1), (40, 65), (300, 192), (1100, 129), (2, 1500)])
        {
            Tensor x = RowsOnDevice.Draw([rows, length], 1, 2, DType.BFloat16), dy = RowsOnDevice.Draw([rows, length], 2, 2, DType.BFloat16);
            Tensor vectors = RowsOnDevice.Draw([2, length], 3, 2, DType.BFloat16);
            Tensor[] Both(Func<Tensor, Tensor> place)
            {
                Tensor gamma = place(vectors).Select(0, 0), beta = place(vectors).Select(0, 1);
                (Tensor y, Tensor mean, Tensor rstd) = Normalization.LayerNorm(place(x), gamma, beta);
                (Tensor dx, Tensor? dgamma, Tensor? dbeta) = Normalization.LayerNormGradient(place(dy), place(x), gamma, mean, rstd);
                (Tensor root, Tensor rootRstd) = Normalization.RmsNorm(place(x), gamma);
                (Tensor rootDx, Tensor? rootDgamma) = Normalization.RmsNormGradient(place(dy), place(x), gamma, rootRstd);
                return [y.To(DType.Float32), dx.To(DType.Float32), root.To(DType.Float32), rootDx.To(DType.Float32), mean, rstd, dgamma!, dbeta!, rootRstd, rootDgamma!];
            }

            // Sums in another order may round to the neighbour.
            RowsOnDevice.Agrees(place => Both(place)[..4], 2 * Place, 1e-3, $"[{rows}, {length}], rounded");
            RowsOnDevice.Agrees(place => Both(place)[4..], 1e-5, 2e-5 * Math.Sqrt(rows), $"[{rows}, {length}], float32");
        }
    }

    [Fact]
    public void Folds_of_16_bits_are_float32()
    {
        Tensor x = RowsOnDevice.Draw([700, 33], 1, 2, DType.BFloat16);
        RowsOnDevice.Agrees(place => [Reduction.Sum(place(x), [0]), Reduction.Mean(place(x)), Reduction.Variance(place(x), [1])], 1e-5, 1e-4, "folds");
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_step_in_mixed_precision_is_the_processors(bool asProcessor) => As(asProcessor, () =>
    {
        Dictionary<string, Tensor> expected = Step(Device.Parse("cpu")), found = Step(RowsOnDevice.Device), again = Step(RowsOnDevice.Device);
        double whole = expected.Values.Max(Norm);
        foreach ((string name, Tensor gradient) in expected)
        {
            Tensor ours = found[name].To(Device.Parse("cpu"));
            double error = Norm(ours - gradient), norm = Norm(gradient);
            Assert.True(error < (6 * norm + 0.5 * whole) * Place, $"{name}: off by {error / norm:P2}");
            TensorAssert.SameBits(again[name], found[name], $"{name} the second time");
        }
    });

    // The gradients of a small ViT's second step, with the copies that a trainer keeps.
    static Dictionary<string, Tensor> Step(Device device)
    {
        VitConfig config = new() { ImageSize = 32, PatchSize = 8, Width = 48, Depth = 2, Heads = 3, MlpWidth = 96, Classes = 10 };
        Device cpu = Device.Parse("cpu");
        VisionTransformer drawn = new(config, seed: 3, device: cpu), model = new(config, device: device);
        foreach ((Parameter from, Parameter to) in drawn.Parameters.Zip(model.Parameters)) to.Load(from.Value.To(device));
        ParameterArena arena = new(model.Parameters);
        AdamW optimizer = new(arena, new() { LearningRate = 1e-3 });
        using NarrowWeights narrow = new(arena, model.Parameters);
        Tensor pixels = RowsOnDevice.Draw([6, 3, 32, 32]).To(device), labels = RowsOnDevice.Places([6], 10).To(device);
        for (int step = 0; step < 2; step++)
        {
            using StepScope scope = StepScope.Begin();
            narrow.Refresh();
            optimizer.ZeroGradients();
            Variable loss;
            using (Tape.Autocast(Precision.BFloat16)) loss = Functions.CrossEntropy(model.Forward(pixels), labels);
            loss.Backward();
            if (step == 0) optimizer.Step();
        }

        return model.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Gradient!.To(cpu).Clone());
    }

    static double Norm(Tensor x) => Math.Sqrt(x.ToArray<float>().Sum(value => (double)value * value));

    static void As(bool processor, Action test)
    {
        GpuRuntime runtime = ((GpuBackend)RowsOnDevice.Device.Backend).Runtime;
        bool before = runtime.IsProcessor;
        runtime.IsProcessor = processor;
        try
        {
            test();
        }
        finally
        {
            runtime.IsProcessor = before;
        }
    }
}
