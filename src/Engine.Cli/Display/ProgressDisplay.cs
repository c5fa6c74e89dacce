using Engine.Autograd;
using Engine.Training;
using Spectre.Console;

namespace Engine.Cli;

/// <summary>
/// Shows a run while it runs: a bar a phase on a terminal; elsewhere (a file, a pipe, CI) plain lines, some seconds apart,
/// so that a log stays short. Progress goes to standard error, results to standard output.
/// </summary>
static class ProgressDisplay
{
    static readonly IAnsiConsole Screen = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    /// <summary>Runs some work and shows what it reports.</summary>
    public static T Run<T>(Func<IProgress<TrainingProgress>, T> work)
    {
        if (Console.IsErrorRedirected || !Screen.Profile.Capabilities.Interactive) return work(new PlainLines());
        Precision precision = Tape.Precision;
        return Screen.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = 24 }, new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                // Whatever thread the display runs this on.
                using Tape.AutocastScope scope = Tape.Autocast(precision);
                return work(new Bars(context));
            });
    }

    /// <summary>Prints a line among what is shown.</summary>
    public static void Note(string line)
    {
        if (Console.IsErrorRedirected) Console.Error.WriteLine(line);
        else Screen.WriteLine(line);
    }

    static string Numbers(TrainingProgress p) => FormattableString.Invariant(
        $"{(p.Epochs > 1 ? $"epoch {p.Epoch}/{p.Epochs}  " : "")}{(double.IsNaN(p.Loss) ? "" : $"loss {p.Loss:F3}  ")}{p.AccuracyName} {100 * p.Accuracy:F1} %  {p.Rate:F0} {p.Unit}/s{Validation(p)}");

    static string Validation(TrainingProgress p) => p.Validation is { } measured ? $"  validation {measured.Summary}" : "";

    static string Time(TimeSpan span) => span.TotalHours >= 1
        ? $"{(int)span.TotalHours}:{span.Minutes:D2}:{span.Seconds:D2}" : $"{span.Minutes}:{span.Seconds:D2}";

    sealed class Bars(ProgressContext context) : IProgress<TrainingProgress>
    {
        readonly Dictionary<string, ProgressTask> tasks = [];
        string validation = "";

        public void Report(TrainingProgress value)
        {
            if (!tasks.TryGetValue(value.Phase, out ProgressTask? task))
                tasks[value.Phase] = task = context.AddTask(Markup.Escape(value.Phase), maxValue: value.Steps);
            if (value.Validation is not null) validation = Validation(value);
            task.Description = Markup.Escape($"{value.Phase}  {Numbers(value with { Validation = null })}{validation}");
            task.Value = value.Step;
        }
    }

    sealed class PlainLines : IProgress<TrainingProgress>
    {
        static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

        string? phase;
        TimeSpan last;

        public void Report(TrainingProgress value)
        {
            bool begins = phase != value.Phase;
            if (!begins && value.Step < value.Steps && value.Validation is null && value.Elapsed - last < Interval) return;
            (phase, last) = (value.Phase, value.Elapsed);
            string time = value.Step == value.Steps ? $"took {Time(value.Elapsed)}" : $"{Time(value.Remaining)} left";
            Console.Error.WriteLine($"{value.Phase}: step {value.Step}/{value.Steps}  {Numbers(value)}  {time}");
        }
    }
}
