using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// Loss and hits of the steps since the last report, summed on the device: a step never waits for the host to read a number.
/// </summary>
sealed class RunningMeans
{
    readonly Tensor sums;       // [2]: loss, hits
    (double Loss, double Accuracy) last = (double.NaN, double.NaN);
    int steps, images;

    public RunningMeans(Device device)
    {
        using StepScope outside = StepScope.Outside();
        sums = Tensor.Zeros([2], DType.Float32, device);
    }

    /// <summary>Adds a step.</summary>
    /// <param name="loss">[]</param><param name="logits">[B, classes]</param><param name="labels">int32 [B]</param>
    public void Add(Tensor loss, Tensor logits, Tensor labels)
    {
        Tensor hits = Elementwise.Compare(Comparison.Equal, Reduction.ArgMax(logits, -1), labels).To(DType.Float32);
        Tensor total = sums.Slice(0, 0, 1), right = sums.Slice(0, 1, 2);
        Elementwise.MapInto(new Add(), total, loss.Reshape(1), total);
        Elementwise.MapInto(new Add(), right, Reduction.Sum(hits).Reshape(1), right);
        steps++;
        images += labels.Shape[0];
    }

    /// <summary>The means since the last reading; those of the last reading where there was no step since, NaN before the first step.</summary>
    public (double Loss, double Accuracy) Read()
    {
        if (steps == 0) return last;
        float[] values = sums.ToArray<float>();
        last = (values[0] / (double)steps, values[1] / (double)images);
        sums.CopyFrom<float>([0, 0]);
        (steps, images) = (0, 0);
        return last;
    }
}
