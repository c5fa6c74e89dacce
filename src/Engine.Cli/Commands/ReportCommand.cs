using System.CommandLine;
using Engine.Training;

namespace Engine.Cli;

/// <summary>engine report: runs as one page for a browser.</summary>
static class ReportCommand
{
    static readonly Option<string[]> Runs = new("--run") { Description = "Folders of runs: what finetune, compare or the demo wrote.", Required = true, AllowMultipleArgumentsPerToken = true, HelpName = "DIR" };
    static readonly Option<string> Out = new("--out") { Description = "The page to write.", DefaultValueFactory = _ => ReportPage.FileName, HelpName = "FILE" };
    static readonly Option<string?> Title = new("--title") { Description = "Its heading; by default the runs' names." };

    public static Command Create()
    {
        Command command = Commands.Create("report", "Show runs as one page that opens in any browser, offline.",
            "Layers over steps as a heat map, a layer's curves, the share of projections over depth (of runs with --trace, while they run\n" +
            "too), losses, accuracy in and out of distribution and deviation (where there is a results.json), the configuration.\n\n" +
            "  engine report --run run --out report.html\n  engine report --run runs/adamw runs/adam-spd --out both.html");
        command.Add(Runs);
        command.Add(Out);
        command.Add(Title);
        Commands.Run(command, Run);
        return command;
    }

    static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        string[] folders = parsed.GetValue(Runs)!;
        string path = parsed.GetValue(Out)!;
        List<ReportRun> runs = [];
        ExperimentResults? results = null;
        foreach (string folder in folders)
        {
            cancellation.ThrowIfCancellationRequested();
            ReportRun run = ReportRun.Load(folder);
            string compared = Path.Combine(folder, ExperimentResults.FileName);
            bool hasResults = File.Exists(compared);
            if (hasResults && results is not null) throw new UsageException($"--run: {folder} holds a comparison, and so does another folder; a page shows one.");
            if (hasResults) results = ExperimentResults.Load(compared);
            if (run.Record is null && run.Trace is null && !hasResults)
                throw new InvalidDataException($"{folder}: holds no {RunRecord.FileName}, no {TraceArrow.FileName} and no {ExperimentResults.FileName}; name the --out of a finetune, a compare or the demo.");
            if (run.Record is not null || run.Trace is not null) runs.Add(run);
        }

        string title = parsed.GetValue(Title) ?? string.Join(", ", folders.Select(folder => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)))));
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } target && !Directory.Exists(target))
            throw new DirectoryNotFoundException($"--out: there is no folder {target} to write {Path.GetFileName(path)} to; make it, or name another.");
        ReportPage.Save(path, title, runs, results);
        Console.WriteLine($"{path}: {runs.Count} run{(runs.Count == 1 ? "" : "s")}{(results is null ? "" : $", {results.Runs.Count} results")}, {new FileInfo(path).Length / 1e6:F1} MB; open it in a browser");
        return ExitCode.Success;
    }
}
