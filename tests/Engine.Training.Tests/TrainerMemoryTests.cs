using System.Diagnostics;

namespace Engine.Training.Tests;

[CollectionDefinition(DisableParallelization = true)]
public sealed class AloneCollection;

[Collection(typeof(AloneCollection))]
public sealed class TrainerMemoryTests
{
    [Fact, Trait("Speed", "Slow")]
    public void Memory_stands_still_between_step_100_and_step_1000()
    {
        (long Resident, long Used) early = default, late = default;
        // 10 steps an epoch; the trainer frees what a step made, though nothing in the model disposes anything.
        Trainer trainer = new(TrainerSetup.Model(), TrainerSetup.Options with { Epochs = 100 });
        trainer.EpochFinished += (_, _) =>
        {
            if (trainer.Epoch == 10) early = Measure(trainer);
            if (trainer.Epoch == 100) late = Measure(trainer);
        };
        trainer.Fit(TrainerSetup.Training(images: 80), TrainerSetup.Validation());
        Assert.Equal(1000, trainer.Optimizer.StepCount);
        Assert.Equal(early.Used, late.Used);
        Assert.True(late.Resident < 1.02 * early.Resident, $"resident {early.Resident:N0} bytes after 100 steps, {late.Resident:N0} after 1,000");
    }

    static (long Resident, long Used) Measure(Trainer trainer)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        using Process process = Process.GetCurrentProcess();
        return (process.WorkingSet64, trainer.Model.Device.Backend.Memory.Used);
    }
}
