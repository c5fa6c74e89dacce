using Engine.Gpu;
using Engine.Tensors;
using Engine.Training;

namespace Engine.Cli;

/// <summary>Says once, when the first steps are done, what loading a device's kernels took: that time is no part of a step.</summary>
/// <param name="progress">Hears everything.</param>
/// <param name="device">Where the run computes; the CPU loads nothing.</param>
sealed class LoadingNote(IProgress<TrainingProgress> progress, Device device) : IProgress<TrainingProgress>
{
    bool said;

    public void Report(TrainingProgress value)
    {
        if (!said && value.Step > 0)
        {
            said = true;
            (int count, TimeSpan time) = DeviceCheck.LoadedKernels(device);
            if (count > 0) ProgressDisplay.Note($"{device}: {count} kernels loaded in {Tables.Number(time.TotalSeconds, 1)} s; most drivers keep them for the next run");
        }

        progress.Report(value);
    }
}
