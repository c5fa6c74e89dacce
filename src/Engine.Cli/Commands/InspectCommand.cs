using System.CommandLine;
using System.Text.Json;
using Engine.Models;

namespace Engine.Cli;

/// <summary>engine inspect: what a safetensors file or a model folder holds.</summary>
static class InspectCommand
{
    static readonly Argument<string> Target = new("path") { Description = "A safetensors file, an index of shards, or a model folder." };
    static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object instead of a table." };

    public static Command Create()
    {
        Command command = Commands.Create("inspect", "List what a safetensors file or a model folder holds.",
            "Tensors, shapes, element types, parameters and metadata; nothing is loaded.\n\n" +
            "  engine inspect vit-base/\n  engine inspect run/best/model.safetensors --json");
        command.Add(Target);
        command.Add(Json);
        Commands.Run(command, (parsed, _) =>
        {
            using ShardedSafeTensors tensors = Open(parsed.GetValue(Target)!);
            if (parsed.GetValue(Json)) PrintJson(tensors);
            else PrintTable(tensors);
            return ExitCode.Success;
        });
        return command;
    }

    static ShardedSafeTensors Open(string path)
    {
        if (!Directory.Exists(path)) return ShardedSafeTensors.Open(path);
        foreach (string name in (string[])["model.safetensors", "model.safetensors.index.json", "adapter_model.safetensors"])
            if (Path.Combine(path, name) is var file && File.Exists(file)) return ShardedSafeTensors.Open(file);
        throw new CheckpointException(path, "holds no model.safetensors and no model.safetensors.index.json; name a model folder or a .safetensors file");
    }

    static void PrintTable(ShardedSafeTensors tensors)
    {
        Tables.Print(["tensor", "type", "shape", "parameters", "bytes"],
            tensors.Items.Values.Select(item => (IReadOnlyList<string>)
                [item.Name, item.Type.ToString(), Shape(item), $"{item.ElementCount:N0}", $"{item.ByteLength:N0}"]), textColumns: 3);
        Console.WriteLine($"{tensors.Items.Count} tensors, {tensors.Items.Values.Sum(item => item.ElementCount):N0} parameters, " +
            $"{tensors.Items.Values.Sum(item => item.ByteLength):N0} bytes in {tensors.Shards.Count} file{(tensors.Shards.Count == 1 ? "" : "s")}");
        foreach ((string key, string value) in tensors.Metadata) Console.WriteLine($"metadata {key}: {value}");
    }

    static void PrintJson(ShardedSafeTensors tensors)
    {
        using Stream output = Console.OpenStandardOutput();
        using (Utf8JsonWriter json = new(output, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("file", tensors.FilePath);
            json.WriteNumber("parameters", tensors.Items.Values.Sum(item => item.ElementCount));
            json.WriteNumber("bytes", tensors.Items.Values.Sum(item => item.ByteLength));
            json.WriteStartObject("metadata");
            foreach ((string key, string value) in tensors.Metadata) json.WriteString(key, value);
            json.WriteEndObject();
            json.WriteStartArray("tensors");
            foreach (SafeTensorItem item in tensors.Items.Values)
            {
                json.WriteStartObject();
                json.WriteString("name", item.Name);
                json.WriteString("type", item.Type.ToString());
                json.WriteStartArray("shape");
                foreach (long extent in item.Shape) json.WriteNumberValue(extent);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        output.Write("\n"u8);
    }

    static string Shape(SafeTensorItem item) => $"[{string.Join(", ", item.Shape.ToArray())}]";
}
