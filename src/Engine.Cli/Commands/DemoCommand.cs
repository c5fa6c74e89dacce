using System.CommandLine;
using System.Globalization;
using Engine.Tensors;
using Engine.Training;

namespace Engine.Cli;

/// <summary>engine demo: what Selective Projection Decay does, on images it draws itself.</summary>
static class DemoCommand
{
    static readonly Option<string> Out = new("--out") { Description = "The folder for models, trace and pictures.", DefaultValueFactory = _ => Path.Combine("runs", "demo") };
    static readonly Option<int> Seeds = new("--seeds") { Description = "How many fine-tunings of each method.", DefaultValueFactory = _ => 2 };
    static readonly Option<double> Lambda = new("--lambda") { Description = "Adam-SPD's strength.", DefaultValueFactory = _ => DemoSettings.Lambda };
    static readonly Option<string> Domain = new("--domain") { Description = "The domain to fine-tune on: filled, sketch, textured, inverted or photo.", DefaultValueFactory = _ => Word(DemoSettings.Domain) };
    static readonly Option<bool> Quick = new("--quick") { Description = "A run of seconds that shows the way, not the effect." };

    public static Command Create()
    {
        Command command = Commands.Create("demo", "See what Selective Projection Decay does, on images that it draws.",
            "A small vision transformer is pre-trained on shapes drawn in five visual domains, then fine-tuned on one of them with AdamW\n" +
            "and with Adam-SPD from the same weights and batches; a table shows what each keeps of the others. Needs no data and about\n" +
            "three minutes.\n\n" +
            "  engine demo\n  engine demo --domain photo --lambda 2 --seeds 3 --out runs/photo");
        command.Add(Out);
        command.Add(Seeds);
        command.Add(Lambda);
        command.Add(Domain);
        command.Add(Quick);
        command.Add(Machine.Device);
        command.Add(Machine.Threads);
        Commands.Run(command, Run);
        return command;
    }

    static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        Machine.Apply(parsed);
        int seeds = parsed.GetValue(Seeds);
        if (seeds < 1) throw new UsageException($"--seeds is {seeds}; it must be 1 or more.");
        double lambda = parsed.GetValue(Lambda);
        if (!(lambda >= 0 && double.IsFinite(lambda))) throw new UsageException(FormattableString.Invariant($"--lambda is {lambda}; it must be 0 or more."));
        DrawnDomain domain = parsed.Choose(Domain, [.. DrawnDomains.All.Select(domain => (Word(domain), domain))]);
        DomainExperimentOptions options = DemoSettings.Options(domain, lambda, seeds, parsed.GetValue(Quick));
        using OutputFolder output = new(parsed.GetValue(Out)!);
        DemoFolder folder = new(output, options);
        DomainExperiment experiment = new(options);
        experiment.Finished += (outcome, optimizer) => folder.Add(experiment, outcome, optimizer);
        Console.WriteLine($"{options.Model.Depth} blocks of width {options.Model.Width}, {experiment.Model.ParameterCount:N0} parameters, on {Device.Default} with {ThreadTeam.Threads} threads");
        IReadOnlyList<DomainOutcome> outcomes = ProgressDisplay.Run(progress => experiment.Run(folder.History(progress), cancellation));
        PrintTable(options, outcomes);
        Console.WriteLine(DomainFindings.Describe(options.Domain, outcomes));
        foreach (string warning in folder.Warnings) Console.WriteLine($"note: {warning}");
        Console.WriteLine();
        IReadOnlyList<(string File, string What)> files = folder.Finish(outcomes);
        int width = files.Max(file => file.File.Length);
        foreach ((string file, string what) in files) Console.WriteLine($"{file.PadRight(width)}  {what}");
        return ExitCode.Success;
    }

    static string Word(DrawnDomain domain) => domain.ToString().ToLowerInvariant();

    static void PrintTable(DomainExperimentOptions options, IReadOnlyList<DomainOutcome> outcomes)
    {
        string[] others = [.. DrawnDomains.All.Where(domain => domain != options.Domain).Select(Word)];
        string home = Word(options.Domain);
        Tables.Print(
            ["accuracy, %", "seed", $"{home} (ID)", .. others, "OOD mean", "deviation", "seconds"],
            outcomes.Select(outcome => (IReadOnlyList<string>)
            [
                outcome.Method ?? "pre-trained",
                outcome.Method is null ? "" : outcome.Seed.ToString(CultureInfo.InvariantCulture),
                Tables.Percent(outcome.InDistribution(options.Domain)),
                .. DrawnDomains.All.Where(domain => domain != options.Domain).Select(domain => Tables.Percent(outcome.Accuracy[(int)domain])),
                Tables.Percent(outcome.OutOfDistribution(options.Domain)),
                Tables.Number(outcome.Deviation, 2),
                Tables.Number(outcome.Elapsed.TotalSeconds, 1),
            ]),
            textColumns: 2);
    }
}
