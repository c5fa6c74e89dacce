using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// Loss and hits of the steps since the last reading, summed on the device: a step never waits for the host to read a number.
/// </summary>
sealed class RunningMeans
{
    readonly Tensor sums;       // [2]: loss, hits
    int steps, images;

    public RunningMeans(Device device)
    {
        using StepScope outside = StepScope.Outside();
        sums = Tensor.Zeros([2], DType.Float32, device);
    }

    /// <summary>The mean loss when last read; NaN before the first step.</summary>
    public double Loss { get; private set; } = double.NaN;

    /// <summary>The share of images classified rightly when last read; NaN before the first step.</summary>
    public double Accuracy { get; private set; } = double.NaN;

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

    /// <summary>Reads the means of the steps since the last reading. Where there was none, those read before stay.</summary>
    /// <returns>False if the loss of those steps is no finite number.</returns>
    public bool Read()
    {
        if (steps == 0) return true;
        float[] values = sums.ToArray<float>();
        (Loss, Accuracy) = (values[0] / (double)steps, values[1] / (double)images);
        sums.CopyFrom<float>([0, 0]);
        (steps, images) = (0, 0);
        return double.IsFinite(Loss);
    }
}
