using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// Loss and hits of the steps since the last reading, summed on the device: a step never waits for the host to read a number.
/// </summary>
sealed class RunningMeans
{
    readonly Tensor sums;       // [2]: loss times predictions, hits
    long predictions;

    public RunningMeans(Device device)
    {
        using StepScope outside = StepScope.Outside();
        sums = Tensor.Zeros([2], DType.Float32, device);
    }

    /// <summary>The mean loss of a prediction when last read; NaN before the first step.</summary>
    public double Loss { get; private set; } = double.NaN;

    /// <summary>The share of predictions that were right when last read; NaN before the first step.</summary>
    public double Accuracy { get; private set; } = double.NaN;

    /// <summary>Adds a forward pass.</summary>
    public void Add(StepResult result)
    {
        Tensor total = sums.Slice(0, 0, 1), right = sums.Slice(0, 1, 2);
        Tensor loss = Elementwise.Map(new Scale(result.Predictions), result.Loss.Value.Reshape(1));
        Elementwise.MapInto(new Add(), total, loss, total);
        Elementwise.MapInto(new Add(), right, result.Hits.Reshape(1), right);
        predictions += result.Predictions;
    }

    /// <summary>Reads the means of the steps since the last reading. Where there was none, those read before stay.</summary>
    /// <returns>False if the loss of those steps is no finite number.</returns>
    public bool Read()
    {
        if (predictions == 0) return true;
        float[] values = sums.ToArray<float>();
        (Loss, Accuracy) = (values[0] / (double)predictions, values[1] / (double)predictions);
        sums.CopyFrom<float>([0, 0]);
        predictions = 0;
        return double.IsFinite(Loss);
    }
}
