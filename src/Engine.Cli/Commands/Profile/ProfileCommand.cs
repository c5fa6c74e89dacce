using System.CommandLine;
using System.Text.Json;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.Cli;

/// <summary>engine profile: where the time of a model's step goes, operation by operation.</summary>
static class ProfileCommand
{
    static readonly Option<string> Model = new("--model") { Description = $"A model folder, or a published size with random weights: {string.Join(", ", [.. VitConfig.SizeNames, .. SwinConfig.SizeNames])}.", Required = true };
    static readonly Option<int> Batch = new("--batch") { Description = "Images or texts a step.", DefaultValueFactory = _ => 8 };
    static readonly Option<int> Tokens = new("--tokens") { Description = "Language models: tokens of a text.", DefaultValueFactory = _ => 128 };
    static readonly Option<int> Rank = new("--lora") { Description = "Train LoRA of this rank on queries and values alone; 0 trains everything.", DefaultValueFactory = _ => 0 };
    static readonly Option<bool> Forward = new("--forward") { Description = "The forward pass alone, as in evaluation." };
    static readonly Option<string> Optimizer = new("--optimizer") { Description = "adamw or adam-spd.", DefaultValueFactory = _ => "adamw" };
    static readonly Option<int> Steps = new("--steps") { Description = "Steps to average.", DefaultValueFactory = _ => 5 };
    static readonly Option<bool> Shapes = new("--shapes") { Description = "A row for each shape of an operation." };
    static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object instead of a table." };

    public static Command Create()
    {
        Command command = Commands.Create("profile", "Show where the time of a model's step goes, operation by operation.",
            "A training step (zeroing, forward, backward, optimizer) on made-up data: how often each operation is called, what it takes, and on the\n" +
            "CPU which share that is of the least the machine needs for it, by the multiply-adds and the memory traffic that it was measured to do.\n\n" +
            "  engine profile --model vit-ti16 --batch 32\n  engine profile --model swin-t --shapes\n" +
            "  engine profile --model llama --lora 8 --batch 2 --tokens 256 --json\n  engine profile --model run/best --forward --batch 1 --device opencl");
        foreach (Option option in (Option[])[Model, Batch, Tokens, Rank, Forward, Optimizer, Steps, Shapes, Json, Machine.Device, Machine.Threads]) command.Add(option);
        Commands.Run(command, (parsed, token) =>
        {
            Machine.Apply(parsed);
            foreach (Option<int> count in (Option<int>[])[Batch, Tokens, Steps])
                if (parsed.GetValue(count) < 1) throw new UsageException($"{count.Name} is {parsed.GetValue(count)}; it must be 1 or more.");
            Func<Module, Optimizer?> optimizer = OptimizerOf(parsed);
            Device device = Device.Default;
            ProfilingBackend profile = new(device.Backend);
            ProfiledStep step = Prepare(parsed, new Device(device.Kind, device.Index, profile), optimizer);
            StepProfile result = StepProfile.Measure(profile, () =>
            {
                token.ThrowIfCancellationRequested();
                step.Run();
            }, parsed.GetValue(Steps), warmUp: 3, parsed.GetValue(Shapes));
            MachineRoofline? machine = device.Kind == "cpu" ? MachineRoofline.Measure(ThreadTeam.Threads) : null;
            if (parsed.GetValue(Json)) PrintJson(step, result, machine);
            else PrintTable(step, result, machine, parsed.GetValue(Shapes));
            return ExitCode.Success;
        });
        return command;
    }

    static Func<Module, Optimizer?> OptimizerOf(ParseResult parsed)
    {
        int rank = parsed.GetValue(Rank);
        bool projects = parsed.Choose(Optimizer, [("adamw", false), ("adam-spd", true)]);
        if (rank < 0) throw new UsageException($"{Rank.Name} is {rank}; a rank is 0 or more.");
        return model =>
        {
            if (rank > 0) Peft.Attach(model, new LoraOptions { Rank = rank, Targets = ["q", "v"] });
            if (parsed.GetValue(Forward)) return null;
            ParameterArena arena = new(model.Parameters);
            return projects ? new AdamSpd(arena, new AdamSpdOptions { LearningRate = 1e-5 }) : new AdamW(arena, new AdamOptions { LearningRate = 1e-5 });
        };
    }

    static ProfiledStep Prepare(ParseResult parsed, Device device, Func<Module, Optimizer?> optimizer)
    {
        string name = parsed.GetValue(Model)!;
        int batch = parsed.GetValue(Batch);
        if (VitConfig.SizeNames.Contains(name)) return ProfiledStep.Of(new VisionTransformer(VitConfig.Named(name), device: device), batch, optimizer);
        if (SwinConfig.SizeNames.Contains(name)) return ProfiledStep.Of(new SwinTransformer(SwinConfig.Named(name), device: device), batch, optimizer);
        return ModelFolder.KindOf(name) switch
        {
            ModelKind.ImageClassifier => ProfiledStep.Of(ModelFolder.Load<ImageClassifier>(name, new() { Device = device }).Model, batch, optimizer),
            ModelKind.Segmenter => ProfiledStep.Of(ModelFolder.Load<Segmenter>(name, new() { Device = device }).Model, batch, optimizer),
            _ => ProfiledStep.Of(LanguageModel.Load(name, options: new() { Device = device, Weights = parsed.GetValue(Rank) > 0 || parsed.GetValue(Forward) ? WeightPrecision.Stored : WeightPrecision.Float32 }).Model,
                batch, parsed.GetValue(Tokens), optimizer),
        };
    }

    static void PrintTable(ProfiledStep step, StepProfile profile, MachineRoofline? machine, bool shapes)
    {
        Console.WriteLine(step.Description);
        if (machine is { } measured)
            Console.WriteLine($"this machine, {ThreadTeam.Threads} thread(s): {Tables.Number(measured.FlopsPerSecond / 1e9, 0)} GFLOP/s of multiply-adds, {Tables.Number(measured.BytesPerSecond / 1e9, 1)} GB/s");
        List<IReadOnlyList<string>> rows = [.. profile.Operations.Select(operation => (IReadOnlyList<string>)
        [
            operation.Name, operation.Shape, $"{operation.Calls:N0}", Tables.Number(1e3 * operation.Seconds, 2), Tables.Percent(operation.Seconds / profile.Seconds),
            operation.Flops > 0 ? Tables.Number(operation.Flops / operation.Seconds / 1e9, 1) : "-", operation.Bytes > 0 ? Tables.Number(operation.Bytes / operation.Seconds / 1e9, 1) : "-",
            machine is { } bound && operation.Bytes > 0 ? Tables.Number(100 * operation.BoundSeconds(bound) / operation.Seconds, 0) : "-",
        ])];
        rows.Add(["(outside operations)", "", "-", Tables.Number(1e3 * profile.SecondsOutside, 2), Tables.Percent(profile.SecondsOutside / profile.Seconds), "-", "-", "-"]);
        rows.Add(["a step", "", $"{profile.Operations.Sum(operation => operation.Calls):N0}", Tables.Number(1e3 * profile.Seconds, 2), "100.0", "-", "-",
            machine is { } whole ? Tables.Number(100 * profile.Operations.Sum(operation => operation.BoundSeconds(whole)) / profile.Seconds, 0) : "-"]);
        string[] header = ["operation", "shape", "calls", "ms", "share, %", "GFLOP/s", "GB/s", "bound/time, %"];
        if (shapes) Tables.Print(header, rows, textColumns: 2);
        else Tables.Print(WithoutShape(header), rows.Select(WithoutShape));
    }

    static IReadOnlyList<string> WithoutShape(IReadOnlyList<string> row) => [row[0], .. row.Skip(2)];

    static void PrintJson(ProfiledStep step, StepProfile profile, MachineRoofline? machine)
    {
        using Stream output = Console.OpenStandardOutput();
        using (Utf8JsonWriter json = new(output, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("step", step.Description);
            json.WriteNumber("threads", ThreadTeam.Threads);
            json.WriteNumber("seconds", profile.Seconds);
            json.WriteNumber("seconds_outside_operations", profile.SecondsOutside);
            if (machine is { } measured)
            {
                json.WriteNumber("machine_flops_per_second", measured.FlopsPerSecond);
                json.WriteNumber("machine_bytes_per_second", measured.BytesPerSecond);
            }

            json.WriteStartArray("operations");
            foreach (OperationProfile operation in profile.Operations)
            {
                json.WriteStartObject();
                json.WriteString("operation", operation.Name);
                if (operation.Shape.Length > 0) json.WriteString("shape", operation.Shape);
                json.WriteNumber("calls", operation.Calls);
                json.WriteNumber("seconds", operation.Seconds);
                json.WriteNumber("flops", operation.Flops);
                json.WriteNumber("bytes", operation.Bytes);
                if (machine is { } bound) json.WriteNumber("bound_seconds", operation.BoundSeconds(bound));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        output.Write("\n"u8);
    }
}
