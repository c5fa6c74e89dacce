using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// What a <see cref="Trainer"/> trains: a model, batches that become losses, and how the result is measured. Classification,
/// segmentation and text are one such class each; the trainer knows nothing of images or words.
/// </summary>
public abstract class TrainingTask
{
    /// <summary>The model; it is trained in place.</summary>
    public abstract Module Model { get; }

    /// <summary>Batches an epoch; the trainer takes one or more of them a step (<see cref="TrainingOptions.Accumulation"/>).</summary>
    public abstract int StepsPerEpoch { get; }

    /// <summary>What <see cref="TrainingBatch.Count"/> counts, for rates: <c>img</c>, <c>tok</c>.</summary>
    public abstract string Unit { get; }

    /// <summary>What share of the predictions <see cref="StepResult.Hits"/> are, for progress lines: <c>accuracy</c>.</summary>
    public virtual string HitName => "accuracy";

    /// <summary>The batches of an epoch in their order, which is a function of seed and epoch alone.</summary>
    /// <param name="epoch">From 0.</param>
    /// <param name="firstStep">The batch to begin with, for a run that is resumed; from 0.</param>
    /// <param name="cancellation">Stops the wait for a batch.</param>
    public abstract IEnumerable<TrainingBatch> Epoch(int epoch, int firstStep, CancellationToken cancellation);

    /// <summary>Measures the model on what it is not trained on, without gradients; null where there is nothing to measure on.</summary>
    /// <param name="cancellation">Stops between two batches.</param>
    public abstract Measurement? Validate(CancellationToken cancellation);

    /// <summary>What the weights depend on besides the trainer's options, as names and texts: a run is resumed only by one of the same description.</summary>
    public abstract IReadOnlyList<(string Name, string Text)> Description { get; }
}

/// <summary>What one forward pass takes. Disposed when its backward pass is done.</summary>
public abstract class TrainingBatch : IDisposable
{
    /// <summary>Images, or tokens, in it.</summary>
    public abstract int Count { get; }

    /// <summary>The forward pass. Its tensors belong to the scope of the step.</summary>
    /// <param name="labelSmoothing">The share of a label that is spread over all classes.</param>
    public abstract StepResult Forward(float labelSmoothing);

    /// <summary>Gives buffers back.</summary>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>What a forward pass gives.</summary>
/// <param name="Loss">[], the mean over the predictions.</param>
/// <param name="Hits">float32 [], how many predictions were right; stays on the device.</param>
/// <param name="Predictions">How many there were: images, pixels or tokens with a label. Of a batch with none nothing is learned.</param>
public readonly record struct StepResult(Variable Loss, Tensor Hits, int Predictions);
