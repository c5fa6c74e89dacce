using Engine.Optim;
using Engine.Training;

namespace Engine.Cli;

/// <summary>Trains, saves the best and the last weights, and says what came of it; Ctrl-C saves too.</summary>
static class TrainingRun
{
    /// <param name="trainer">The model with its optimizer.</param>
    /// <param name="training">Training batches.</param>
    /// <param name="validation">Validation batches.</param>
    /// <param name="target">The folder for <c>best</c> and <c>last</c>.</param>
    /// <param name="save">Writes the model to a folder, in its layout.</param>
    /// <param name="keepTrace">Write Adam-SPD's trace.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    /// <returns>The exit code.</returns>
    public static int Run(
        Trainer trainer, BatchLoader training, BatchLoader validation, string target, Action<string> save, bool keepTrace, CancellationToken cancellation)
    {
        Directory.CreateDirectory(target);
        string best = Path.Combine(target, "best"), last = Path.Combine(target, "last");
        double bestAccuracy = double.NegativeInfinity;
        int bestEpoch = 0;
        trainer.EpochFinished += (_, measured) =>
        {
            if (measured is null || !(measured.Accuracy > bestAccuracy)) return;
            (bestAccuracy, bestEpoch) = (measured.Accuracy, trainer.Epoch);
            save(best);
        };
        bool interrupted = false;
        try
        {
            ProgressDisplay.Run(progress =>
            {
                trainer.Fit(training, validation, progress, cancellation);
                return true;
            });
        }
        catch (OperationCanceledException)
        {
            interrupted = true;
        }

        save(last);
        if (keepTrace && trainer.Optimizer is AdamSpd spd)
        {
            TraceCsv.Save(Path.Combine(target, "trace.csv"), spd.Projection.Trace);
            foreach (string warning in spd.Projection.Trace.Warnings) Console.WriteLine($"note: {warning}");
            Console.WriteLine($"{Path.Combine(target, "trace.csv")}: Adam-SPD, every step and layer");
        }

        if (bestEpoch > 0) Console.WriteLine($"{best}: best validation accuracy, {Tables.Percent(bestAccuracy)} % after epoch {bestEpoch}");
        Console.WriteLine($"{last}: {(interrupted ? $"the weights when interrupted in epoch {trainer.Epoch + 1}" : "the last weights")}");
        if (!interrupted) return ExitCode.Success;
        Console.Error.WriteLine("Interrupted; everything up to the last whole step is saved.");
        return ExitCode.Interrupted;
    }
}
