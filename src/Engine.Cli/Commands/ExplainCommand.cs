using System.CommandLine;
using System.Globalization;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>engine explain: one step of Adam-SPD, number by number.</summary>
static class ExplainCommand
{
    static readonly Option<string?> Run = new("--run") { Description = "The folder of a run whose steps were saved: engine finetune --explain-steps 10,20.", HelpName = "DIR" };
    static readonly Option<int?> Step = new("--step") { Description = "Which step of the optimizer, from 1.", HelpName = "N" };
    static readonly Option<string?> Layer = new("--layer") { Description = "Which parameter; without it a table of all.", HelpName = "NAME" };
    static readonly Option<bool> What = new("--counterfactual") { Description = "Also what AdamW, L2-SP and others would have done from the same state." };

    static readonly Option<bool> Example = new("--example") { Description = "Instead of a run: one weight, where everything can be seen." };
    static readonly Option<string?> Picture = new("--picture") { Description = "With --example: draw it, as a PNG.", HelpName = "FILE" };

    public static Command Create()
    {
        Command command = Commands.Create("explain", "Recompute one step of Adam-SPD in double precision, each line with its equation.",
            "Equations are those of Tian et al. 2024. The engine's own numbers stand beside; they differ by what float32 rounds.\n\n" +
            "  engine explain --example\n" +
            "  engine finetune --model vit --data train --out run --explain-steps 10,20\n" +
            "  engine explain --run run --step 10\n" +
            "  engine explain --run run --step 10 --layer blocks.0.attn.qkv.weight --counterfactual");
        command.Add(Run);
        command.Add(Step);
        command.Add(Layer);
        command.Add(What);
        command.Add(Example);
        command.Add(Picture);
        Commands.Run(command, Explain);
        return command;
    }

    static int Explain(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetValue(Example)) return PrintExample(parsed.GetValue(Picture));
        if (parsed.GetValue(Run) is not { } run || parsed.GetValue(Step) is not { } number)
            throw new UsageException("--run and --step say what to explain; or see --example.");
        using SafeTensors file = SafeTensors.Open(FileOf(run, number));
        IReadOnlyList<string> layers = ExplainedStep.Layers(file);
        if (parsed.GetValue(Layer) is { } asked)
        {
            if (!layers.Contains(asked)) throw new UsageException($"--layer: there is no {asked} in step {number}; near it: {string.Join(", ", Near(asked, layers))}.");
            ExplainedStep step = new(file, asked);
            Print(step);
            if (parsed.GetValue(What)) PrintOthers(step);
            return ExitCode.Success;
        }

        List<ExplainedStep> all = [];
        foreach (string layer in layers.Where(layer => file.Items.ContainsKey($"gradient.{layer}")))
        {
            cancellation.ThrowIfCancellationRequested();
            all.Add(new(file, layer));
        }

        if (parsed.GetValue(What)) PrintOthers(all);
        else PrintAll(all);
        return ExitCode.Success;
    }

    static int PrintExample(string? picture)
    {
        const int Steps = 32;
        IReadOnlyList<OneDimensionStep> plain = OneDimension.Run(Steps, lambda: 0), projected = OneDimension.Run(Steps, lambda: 1);
        Console.WriteLine("One weight w with the loss (w - 1)^2 / 2, anchored at 0; SGD, learning rate 0.1, momentum 0.9; lambda 1.");
        Tables.Print(["step", "w", "g", "c = -g w", "u", "r", "w after", "", "momentum alone"],
            projected.Select((step, i) => (IReadOnlyList<string>)
            [
                step.Number.ToString(CultureInfo.InvariantCulture), Tables.Number(step.Before, 4), Tables.Number(step.Gradient, 4), Tables.Number(step.Condition + 0.0, 4),
                Tables.Number(step.Candidate, 4), Tables.Number(step.Ratio, 4), Tables.Number(step.After, 4), step.Projected ? "projected" : "", Tables.Number(plain[i].After, 4),
            ]), textColumns: 0);
        if (picture is null) return ExitCode.Success;
        OneDimension.Save(picture, plain, projected);
        Console.WriteLine($"{picture}: w over the steps, with and without projection");
        return ExitCode.Success;
    }

    static string FileOf(string run, int step)
    {
        if (!Directory.Exists(run)) throw new DirectoryNotFoundException($"--run: there is no folder {run}.");
        string path = StepCapture.FileOf(run, step), folder = Path.GetDirectoryName(path)!;
        if (File.Exists(path)) return path;
        int[] steps = Directory.Exists(folder)
            ? [.. Directory.GetFiles(folder, "step-*.safetensors").Select(file => int.Parse(Path.GetFileNameWithoutExtension(file)["step-".Length..], CultureInfo.InvariantCulture)).Order()] : [];
        throw new UsageException(steps.Length == 0
            ? $"--run: {run} has no saved steps; run engine finetune with --explain-steps {step}."
            : $"--step: step {step} was not saved in {run}; there are {string.Join(", ", steps)}.");
    }

    // Names that share the most with what was typed: first those that contain it or its last words.
    static IEnumerable<string> Near(string asked, IReadOnlyList<string> layers) =>
        layers.OrderByDescending(layer => layer.Contains(asked, StringComparison.OrdinalIgnoreCase)).ThenBy(layer => Distance(asked, layer)).Take(3);

    // Levenshtein's.
    static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int corner = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
                (corner, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, corner + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }

        return row[^1];
    }

    static void Print(ExplainedStep step)
    {
        (StepNumbers exact, StepNumbers engine) = (step.Exact, step.Recorded);
        Console.WriteLine(FormattableString.Invariant($"step {step.Step}, {step.Layer} {step.Shape}: learning rate {step.LearningRate:G6}, lambda {step.Lambda:G6}, t = {step.Count}"));
        bool selected = exact.Condition < 0;
        Tables.Print(["equation", "", "double", "engine"],
        [
            ["", "|g|", Text(exact.GradientNorm), Text(engine.GradientNorm)],
            ["", "|W - W0|", Text(exact.DeviationBefore), Text(engine.DeviationBefore)],
            ["Adam", "U = W - lr m^ / (sqrt(v^) + eps):  |U - W|", Text(step.StepLength), ""],
            ["", "|U - W0|", Text(step.CandidateDeviation), ""],
            ["eq. 3", "c = -sum(g (W - W0))", Text(exact.Condition), Text(engine.Condition)],
            ["", "cos(g, W - W0) = -c / (|g| |W - W0|)", Text(exact.Cosine), Text(engine.Cosine)],
            ["eq. 9", selected ? "r = clamp((|U - W0| - |W - W0|) / |U - W0|, 0, 1)" : "r: not asked for, since c is not below 0", Text(exact.Ratio), Text(engine.Ratio)],
            ["", "lambda r", Text(exact.Scale), Text(engine.Scale)],
            ["eq. 4", selected ? "W = U - lambda r (U - W0):  |W - W0|" : "W = U:  |W - W0|", Text(exact.Deviation), Text(engine.Deviation)],
        ], textColumns: 2);
        Console.WriteLine(Verdict(step));
        Console.WriteLine(FormattableString.Invariant($"The engine's weights after the step differ from the double ones by {step.LargestDifference:E1} at most."));
    }

    static string Verdict(ExplainedStep step)
    {
        StepNumbers n = step.Exact;
        if (n.DeviationBefore == 0) return "The layer stood at its anchor: c is 0, and it is left alone.";
        if (n.Condition >= 0) return "c is not below 0: descent itself points away from the anchor, a weaker pull would have been better. The layer is left alone.";
        if (n.Ratio == 0) return "c is below 0, descent points back toward the anchor; and the step already goes there, so r is 0 and nothing is to be taken back.";
        if (step.Lambda == 0) return "c is below 0, but lambda is 0 here (no anchor, or no strength): the layer is measured and left alone.";
        return $"c is below 0: descent points back toward the anchor, while momentum carries the layer outward. {(step.Lambda == 1 ? "With lambda 1 the outward part is taken back: |W - W0| is what it was." : "A part lambda r of the deviation is taken away.")}";
    }

    static void PrintOthers(ExplainedStep step)
    {
        Console.WriteLine();
        Tables.Print(["from the same state", "", "|W - W0|", "change", "step length", "descent -g (W' - W)"],
            step.Counterfactuals().Select(other => (IReadOnlyList<string>)
                [other.Method, other.Formula, Text(other.Deviation), Signed(other.Change), Text(other.StepLength), Signed(other.Descent)]), textColumns: 2);
    }

    static void PrintAll(List<ExplainedStep> steps)
    {
        Console.WriteLine($"step {steps[0].Step}: c, r and the deviation in double precision; the last column is the largest difference of the engine's weights");
        Tables.Print(["layer", "|W - W0| before", "c", "cosine", "r", "lambda r", "|W - W0| after", "difference"],
            steps.Select(step => (IReadOnlyList<string>)
            [
                step.Layer, Text(step.Exact.DeviationBefore), Signed(step.Exact.Condition), Signed(step.Exact.Cosine), Text(step.Exact.Ratio),
                Text(step.Exact.Scale), Text(step.Exact.Deviation), step.LargestDifference.ToString("E1", CultureInfo.InvariantCulture),
            ]), textColumns: 1);
    }

    static void PrintOthers(List<ExplainedStep> steps)
    {
        IReadOnlyList<Counterfactual>[] others = [.. steps.Select(step => step.Counterfactuals())];
        Console.WriteLine($"step {steps[0].Step}: the change of |W - W0| by each method from the same state");
        Tables.Print(["layer", "c", .. others[0].Select(other => other.Method == "Adam-SPD" ? $"SPD {other.Formula}" : other.Method)],
            steps.Select((step, i) => (IReadOnlyList<string>)[step.Layer, Signed(step.Exact.Condition), .. others[i].Select(other => Signed(other.Change))]), textColumns: 1);
    }

    static string Text(double number) => number.ToString("G6", CultureInfo.InvariantCulture);

    static string Signed(double number) => number.ToString("+0.000E+0;-0.000E+0;0", CultureInfo.InvariantCulture);
}
