using System.CommandLine;
using Engine.Models;
using Engine.Tensors;
using Engine.Training;

namespace Engine.Cli;

/// <summary>engine convert: a model folder in another library's layout or another element type.</summary>
static class ConvertCommand
{
    static readonly Option<string> Model = new("--model") { Description = "The model folder.", Required = true };
    static readonly Option<string> To = new("--to") { Description = "Whose layout: timm, torchvision or hf; the model's own if left out.", DefaultValueFactory = _ => Same };
    static readonly Option<string> Type = new("--dtype") { Description = "How weights are stored: float32, float16 or bfloat16; as they are if left out.", DefaultValueFactory = _ => Same };
    static readonly Option<string> Out = new("--out") { Description = "The folder to write, absent or empty.", Required = true };

    const string Same = "same";

    public static Command Create()
    {
        Command command = Commands.Create("convert", "Write a model in another library's layout, or in another element type.",
            "ViT and Swin go between timm, torchvision and Hugging Face; the converted model computes the same, to the bit unless --dtype\n" +
            "rounds it. Class names and preprocessing are carried along. What the other library cannot say is refused before anything is\n" +
            "written.\n\n" +
            "  engine convert --model vit-timm --to hf --out vit-hf\n  engine convert --model llama --dtype bfloat16 --out llama-bf16");
        command.Add(Model);
        command.Add(To);
        command.Add(Type);
        command.Add(Out);
        Commands.Run(command, Run);
        return command;
    }

    static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        ModelLibrary? library = parsed.Choose<ModelLibrary?>(To, ("timm", ModelLibrary.Timm), ("torchvision", ModelLibrary.Torchvision), ("hf", ModelLibrary.HuggingFace), (Same, null));
        DType? type = parsed.Choose<DType?>(Type, ("float32", DType.Float32), ("float16", DType.Float16), ("bfloat16", DType.BFloat16), (Same, null));
        if (library is null && type is null) throw new UsageException($"{To.Name} and {Type.Name}: neither is given; say what to change.");
        string folder = parsed.GetValue(Model)!, target = parsed.GetValue(Out)!;
        Conversion conversion = ClassifierConversion.Run(folder, target, library, type);
        Console.WriteLine($"{target}: {conversion.To}{(conversion.From == conversion.To ? "" : $" (was {conversion.From})")}{(type is { } stored ? $", {stored.ToString().ToLowerInvariant()}" : "")}");
        if (conversion.LeftBehind.Count > 0)
            Console.WriteLine($"note: {conversion.LeftBehind.Count} tensors that the model has no use for were left behind, first {conversion.LeftBehind[0]}");
        return ExitCode.Success;
    }
}
