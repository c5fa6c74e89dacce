using System.Diagnostics;

namespace Engine.Training.Tests;

[CollectionDefinition(DisableParallelization = true)]
public sealed class AloneCollection;

[Collection(typeof(AloneCollection))]
public sealed class TrainerMemoryTests
{
    // While a process is young the runtime compiles its busy methods again and its heap settles: some 6 MB, after which
    // nothing moves (measured up to step 3,000), and more than 2 % of what this small model holds.
    const long RuntimeSettles = 8 << 20;

    [Fact, Trait("Speed", "Slow")]
    public void Memory_stands_still_between_step_100_and_step_1000()
    {
        (Trainer trainer, Footprint early, Footprint late) = Run();
        Assert.Equal(1000, trainer.Optimizer.StepCount);
        Assert.Equal(early.Used, late.Used);
        Assert.True(late.Managed < 1.02 * early.Managed, $"managed {early.Managed:N0} bytes after 100 steps, {late.Managed:N0} after 1,000");
        Assert.True(late.Resident < 1.02 * early.Resident + RuntimeSettles, $"resident {early.Resident:N0} bytes after 100 steps, {late.Resident:N0} after 1,000");
    }

    // 10 steps an epoch; the trainer frees what a step made, though nothing in the model disposes anything.
    static (Trainer Trainer, Footprint Early, Footprint Late) Run()
    {
        Footprint early = default, late = default;
        Trainer trainer = new(TrainerSetup.Model(), TrainerSetup.Options with { Epochs = 100 });
        trainer.EpochFinished += (_, _) =>
        {
            if (trainer.Epoch == 10) early = Measure(trainer);
            if (trainer.Epoch == 100) late = Measure(trainer);
        };
        trainer.Fit(TrainerSetup.Training(images: 80), TrainerSetup.Validation());
        return (trainer, early, late);
    }

    static Footprint Measure(Trainer trainer)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        using Process process = Process.GetCurrentProcess();
        return new(process.WorkingSet64, GC.GetTotalMemory(forceFullCollection: true), trainer.Model.Device.Backend.Memory.Used);
    }

    readonly record struct Footprint(long Resident, long Managed, long Used);
}
