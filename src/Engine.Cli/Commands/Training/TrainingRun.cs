using System.CommandLine;
using Engine.Optim;
using Engine.Training;

namespace Engine.Cli;

/// <summary>Trains, saves the best and the last weights, and says what came of it; Ctrl-C saves too.</summary>
static class TrainingRun
{
    /// <param name="run">What is trained.</param>
    /// <param name="options">How.</param>
    /// <param name="arguments">Where to write, and whether to resume.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    /// <returns>The exit code.</returns>
    public static int Run(PreparedRun run, TrainingOptions options, TrainingArguments arguments, ParseResult parsed, CancellationToken cancellation)
    {
        Trainer trainer = arguments.Trainer(run.Task, options);
        using OutputFolder output = new(arguments.Target(parsed));
        string? trace = arguments.Trace(parsed);
        string about = $"{run.Task.Model.GetType().Name} on {arguments.Data(parsed)}, {trainer.Optimizer.GetType().Name}";
        using RunFolder folder = new(output, target => run.Save(target, run.Companions), about, trace, arguments.ExplainSteps(parsed));
        folder.Begin(trainer, arguments.Resume(parsed));
        if (arguments.Resume(parsed))
            Console.WriteLine($"Resumed after {trainer.Epoch} epochs{(trainer.StepInEpoch > 0 ? $" and {trainer.StepInEpoch} steps" : "")}.");
        bool interrupted = Train(trainer, folder, cancellation);
        foreach (OptimizerWarning warning in trainer.Optimizer.Warnings()) Console.WriteLine($"note: {warning.Message}");
        if (trace is not null && trainer.Optimizer.Projection is not null) Console.WriteLine($"{trace}: selective projection, every step and layer");

        if (trainer.BestEpoch > 0)
            Console.WriteLine($"{folder.Best}: best on the validation data, {trainer.BestSummary} after epoch {trainer.BestEpoch}");
        Console.WriteLine($"{folder.Report}: the run in pictures, for a browser");
        Console.WriteLine($"{folder.Last}: {(interrupted ? $"the weights when interrupted in epoch {trainer.Epoch + 1}" : "the last weights")}");
        if (!interrupted) return ExitCode.Success;
        Console.Error.WriteLine("Interrupted; everything up to the last whole step is saved. The same command with --resume goes on from there.");
        return ExitCode.Interrupted;
    }

    static bool Train(Trainer trainer, RunFolder folder, CancellationToken cancellation)
    {
        RunHistory? history = null;
        trainer.EpochFinished += (_, _) =>
        {
            if (trainer.BestEpoch == trainer.Epoch) folder.SaveBest();
            folder.SaveLast(trainer, history!);
        };
        bool interrupted = false;
        try
        {
            ProgressDisplay.Run(progress =>
            {
                history = folder.History(new LoadingNote(progress, trainer.Model.Device));
                trainer.Fit(history, cancellation);
                return true;
            });
        }
        catch (OperationCanceledException)
        {
            folder.SaveLast(trainer, history!);
            interrupted = true;
        }

        folder.Finish(trainer, history!);
        return interrupted;
    }
}
