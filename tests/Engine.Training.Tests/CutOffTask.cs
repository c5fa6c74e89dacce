using Engine.Models;

namespace Engine.Training.Tests;

/// <summary>A task whose run is stopped when a number of batches has been taken: between two steps, or between the batches of one.</summary>
sealed class CutOffTask(TrainingTask inner, int batches) : TrainingTask
{
    public override Module Model => inner.Model;

    public override int StepsPerEpoch => inner.StepsPerEpoch;

    public override string Unit => inner.Unit;

    public override IReadOnlyList<(string Name, string Text)> Description => inner.Description;

    public override IEnumerable<TrainingBatch> Epoch(int epoch, int firstStep, CancellationToken cancellation)
    {
        foreach (TrainingBatch batch in inner.Epoch(epoch, firstStep, cancellation))
        {
            if (batches-- == 0) throw new OperationCanceledException();
            yield return batch;
        }
    }

    public override Measurement? Validate(CancellationToken cancellation) => inner.Validate(cancellation);
}
