namespace Engine.Training;

/// <summary>How well a model does on a set of data.</summary>
public abstract class Measurement
{
    /// <summary>The mean cross-entropy, in nats.</summary>
    public abstract double Loss { get; }

    /// <summary>What the best weights are chosen by; larger is better.</summary>
    public abstract double Score { get; }

    /// <summary>What the score is called: <c>accuracy</c>, <c>mIoU</c>.</summary>
    public abstract string ScoreName { get; }

    /// <summary>The result in a few words, for progress lines: <c>accuracy 81.4 %</c>.</summary>
    public abstract string Summary { get; }

    /// <summary>How long it took.</summary>
    public abstract TimeSpan Elapsed { get; }
}
