using Engine.Tensors;

namespace Engine.Gpu.Tests;

public sealed class LossTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 2)]
    [InlineData(40, 10)]
    [InlineData(1100, 33)]
    [InlineData(9, 1000)]
    [InlineData(3, 5001)]
    public void Cross_entropy_and_its_gradient_agree_with_the_cpu(int rows, int classes)
    {
        foreach (DType dtype in (DType[])[DType.Float32, DType.Float64])
        {
            double tolerance = dtype == DType.Float32 ? 5e-6 : 1e-12;
            Tensor logits = RowsOnDevice.Draw([rows, classes], 1, 9, dtype), targets = RowsOnDevice.Places([rows], classes);
            Tensor weights = RowsOnDevice.Draw([classes, 2], 2, 1, dtype) + 1.5f;
            if (rows > 2) targets.AsSpan<int>()[1] = -100;
            foreach (float smoothing in (float[])[0, 0.1f])
            {
                foreach (bool weighted in (bool[])[false, true])
                {
                    CrossEntropyOptions options = new(LabelSmoothing: smoothing);
                    RowsOnDevice.Agrees(
                        place =>
                        {
                            Tensor? seen = weighted ? place(weights).Select(1, 1).Flip(0) : null;
                            (Tensor loss, CrossEntropySaved saved) = Losses.CrossEntropy(place(logits), place(targets), seen, options);
                            return [loss, saved.LogSumExp, saved.TotalWeight, Losses.CrossEntropyGradient(Tensor.Full([], 3, dtype, loss.Device), place(logits), seen, options, saved)];
                        },
                        tolerance, tolerance, $"{dtype} [{rows}, {classes}] smoothing {smoothing} weighted {weighted}");
                }
            }
        }
    }

    [Fact]
    public void An_ignored_row_counts_nothing_whatever_it_holds()
    {
        Tensor logits = RowsOnDevice.Draw([3, 40]), targets = Tensor.From([1, -100, 2], [3]);
        logits.AsSpan<float>().Slice(40, 40).Fill(float.NaN);
        RowsOnDevice.Agrees(
            place =>
            {
                (Tensor loss, CrossEntropySaved saved) = Losses.CrossEntropy(place(logits), place(targets));
                return [loss, Losses.CrossEntropyGradient(Tensor.Ones([], DType.Float32, loss.Device), place(logits), null, null, saved)];
            },
            5e-6, 5e-6, "ignored");
    }

    [Theory]
    [InlineData(5)]
    [InlineData(-1)]
    public void A_target_that_is_no_class_is_reported_with_the_next_read(int target)
    {
        Tensor logits = RowsOnDevice.Draw([3, 5]).To(RowsOnDevice.Device), targets = Tensor.From([0, target, 2], [3]).To(RowsOnDevice.Device);
        ShapeException failure = Assert.Throws<ShapeException>(() => Losses.CrossEntropy(logits, targets).Loss.Item());
        Assert.Contains($"CrossEntropy: index {target} at place 1", failure.Message, StringComparison.Ordinal);
        Tensor right = Tensor.From([0, 1, 2], [3]).To(RowsOnDevice.Device);
        Assert.True(double.IsFinite(Losses.CrossEntropy(logits, right).Loss.Item()));
    }
}
