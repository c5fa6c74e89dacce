using Engine.Tensors;

namespace Engine.Training.Tests;

[CollectionDefinition(DisableParallelization = true)]
public sealed class AloneCollection;

[Collection(typeof(AloneCollection))]
public sealed class TrainerMemoryTests
{
    // Half a kilobyte a step would show.
    const long RuntimeSlack = 512 << 10;

    // What the engine holds is asserted exactly; the process's resident memory also follows the runtime's own heaps and the
    // machine, so bench/Engine.Benchmarks --memory measures it in a process of its own (docs/performance.md).
    [Fact, Trait("Speed", "Slow")]
    public void Memory_stands_still_between_step_100_and_step_1000()
    {
        (Trainer trainer, Footprint early, Footprint late) = Run();
        Assert.Equal(1000, trainer.Optimizer.StepCount);
        Assert.True(late.Engine.Used <= early.Engine.Used, $"tensors held {early.Engine} after 100 steps, {late.Engine} after 1,000");
        Assert.True(Held(late) <= Held(early), $"tensors and pool held {early.Engine} after 100 steps, {late.Engine} after 1,000");
        Assert.True(late.Managed < early.Managed + RuntimeSlack, $"managed {early.Managed:N0} bytes after 100 steps, {late.Managed:N0} after 1,000");
    }

    static long Held(Footprint footprint) => footprint.Engine.Used + footprint.Engine.Pooled;

    // 10 steps an epoch; the trainer frees what a step made, though nothing in the model disposes anything.
    static (Trainer Trainer, Footprint Early, Footprint Late) Run()
    {
        Footprint early = default, late = default;
        Trainer trainer = TrainerSetup.Trainer(TrainerSetup.Options with { Epochs = 100 }, training: TrainerSetup.Training(images: 80));
        trainer.EpochFinished += (_, _) =>
        {
            if (trainer.Epoch == 10) early = Measure(trainer);
            if (trainer.Epoch == 100) late = Measure(trainer);
        };
        trainer.Fit();
        return (trainer, early, late);
    }

    static Footprint Measure(Trainer trainer)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return new(trainer.Model.Device.Backend.Memory, GC.GetTotalMemory(forceFullCollection: true));
    }

    readonly record struct Footprint(MemoryUse Engine, long Managed);
}
