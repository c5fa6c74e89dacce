using System.CommandLine;
using Engine.Models;

namespace Engine.Cli;

/// <summary>engine merge: an adapter into the model it was trained on.</summary>
static class MergeCommand
{
    static readonly Option<string> Model = new("--model") { Description = "The model folder that the adapter was trained on.", Required = true };
    static readonly Option<string> Adapter = new("--adapter") { Description = "The adapter folder: adapter_config.json and adapter_model.safetensors.", Required = true };
    static readonly Option<string> Target = new("--out") { Description = "The folder for the merged model.", Required = true };

    public static Command Create()
    {
        Command command = Commands.Create("merge", "Merge a LoRA adapter into its model.",
            "Writes a model that needs no adapter, in the layout and the element types of the original; weights of 16 bits are merged in\n" +
            "float32 and rounded once.\n\n" +
            "  engine merge --model vit-base --adapter run/best --out merged");
        command.Add(Model);
        command.Add(Adapter);
        command.Add(Target);
        Commands.Run(command, (parsed, _) => Run(parsed.GetValue(Model)!, parsed.GetValue(Adapter)!, parsed.GetValue(Target)!));
        return command;
    }

    static int Run(string folder, string adapter, string target)
    {
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
            throw new UsageException($"{Target.Name}: {target} is not empty; name a new folder.");
        // A language model's matrices stay in their mapped file until an adapter changes them; other models are small, and bring heads.
        WeightPrecision weights = AdaptedModel.KindOf(folder, adapter) == ModelKind.LanguageModel ? WeightPrecision.Stored : WeightPrecision.Float32;
        (LoadedModel<Module> loaded, AdapterSet adapters) = AdaptedModel.Attach<Module>(folder, adapter, weights);
        int count = adapters.Adapters.Count;
        if (!adapters.CanMerge)
            throw new CheckpointException(adapter, "holds adapters with a nonlinearity, which no weight equals; keep them beside the model");
        adapters.Merge();
        adapters.Detach();
        loaded.Save(target, AdaptedModel.Companions(adapter));
        Console.WriteLine($"{target}: {folder} ({loaded.Layout}) with {count} adapted layers merged");
        return ExitCode.Success;
    }
}
