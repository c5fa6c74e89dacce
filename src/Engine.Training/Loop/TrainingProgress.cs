namespace Engine.Training;

/// <summary>What a run tells while it runs.</summary>
/// <param name="Phase">What is being done, in a word or two.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Epoch">Epochs begun, from 1.</param>
/// <param name="Epochs">Epochs in all.</param>
/// <param name="Loss">Mean loss of the predictions since the last report.</param>
/// <param name="Accuracy">Share of the predictions since the last report that were right.</param>
/// <param name="LearningRate">Of the last step.</param>
/// <param name="Rate">Images or tokens a second, since the phase began.</param>
/// <param name="Elapsed">Since the phase began.</param>
/// <param name="Remaining">Until the phase ends, at this rate.</param>
/// <param name="Validation">Set at the end of an epoch, where there is a validation set.</param>
public sealed record TrainingProgress(
    string Phase, int Step, int Steps, int Epoch, int Epochs, double Loss, double Accuracy, double LearningRate,
    double Rate, TimeSpan Elapsed, TimeSpan Remaining, Measurement? Validation = null)
{
    /// <summary>What <see cref="Rate"/> counts: <c>img</c>, <c>tok</c>.</summary>
    public string Unit { get; init; } = "img";

    /// <summary>What <see cref="Accuracy"/> is called.</summary>
    public string AccuracyName { get; init; } = "accuracy";
}
