namespace Engine.Training.Tests;

public sealed class SegmentationResultTests
{
    [Fact]
    public void Intersection_over_union_is_the_textbook_s()
    {
        // Class a: 4 right, 1 taken for b; b: 2 right, 3 taken for a; c does not occur; d is only predicted, once, for an a.
        SegmentationResult result = new(["a", "b", "c", "d"], [4, 1, 0, 1, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0.5, 3, default);
        Assert.Equal(4.0 / (4 + 1 + 1 + 3), result.IoU(0), 1e-12);
        Assert.Equal(2.0 / (2 + 3 + 1), result.IoU(1), 1e-12);
        Assert.True(double.IsNaN(result.IoU(2)));
        Assert.Equal(0, result.IoU(3));
        Assert.Equal((4.0 / 9 + 1.0 / 3 + 0) / 3, result.MeanIoU, 1e-12);
        Assert.Equal(6.0 / 11, result.PixelAccuracy, 1e-12);
        Assert.Equal(4.0 / 6, result.AccuracyOf(0), 1e-12);
        Assert.True(double.IsNaN(result.AccuracyOf(2)));
        Assert.Equal((11, 6, 5), (result.Pixels, result.CountOf(0), result.CountOf(1)));
        Assert.Equal(("mIoU", result.MeanIoU), (result.ScoreName, result.Score));
        Assert.Equal("mIoU 25.9 %, pixel accuracy 54.5 %", result.Summary);
    }

    [Fact]
    public void Nothing_measured_is_no_number()
    {
        SegmentationResult result = new(["a", "b"], new long[4], double.NaN, 0, default);
        Assert.True(double.IsNaN(result.MeanIoU) && double.IsNaN(result.PixelAccuracy));
        Assert.Throws<ArgumentException>(() => new SegmentationResult(["a", "b"], new long[3], 0, 0, default));
    }
}
