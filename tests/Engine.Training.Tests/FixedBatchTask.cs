using Engine.Models;

namespace Engine.Training.Tests;

/// <summary>A task whose batches a test hands to <see cref="Trainer.Step(TrainingBatch)"/> itself.</summary>
sealed class FixedBatchTask(Module model) : TrainingTask
{
    public override Module Model => model;

    public override int StepsPerEpoch => 1;

    public override string Unit => "img";

    public override IReadOnlyList<(string Name, string Text)> Description => [];

    public override IEnumerable<TrainingBatch> Epoch(int epoch, int firstStep, CancellationToken cancellation) => [];

    public override Measurement? Validate(CancellationToken cancellation) => null;
}

/// <summary>A batch that is a function of nothing but its tensors.</summary>
sealed class FixedBatch(int count, Func<float, StepResult> forward) : TrainingBatch
{
    public override int Count => count;

    public override StepResult Forward(float labelSmoothing) => forward(labelSmoothing);
}
