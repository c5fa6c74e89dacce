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
        Command command = Commands.Create("inspect", "List what a safetensors file, a model folder or an adapter folder holds.",
            "Of a folder first a line that says whose model it is; then tensors, shapes, element types, parameters and metadata. Nothing\n" +
            "is loaded.\n\n" +
            "  engine inspect vit-base/\n  engine inspect run/best/model.safetensors --json");
        command.Add(Target);
        command.Add(Json);
        Commands.Run(command, (parsed, _) =>
        {
            string path = parsed.GetValue(Target)!;
            using ShardedSafeTensors tensors = Open(path);
            (ModelSummary? summary, string? problem) = Summary(path);
            if (parsed.GetValue(Json)) PrintJson(tensors, summary, problem);
            else PrintTable(tensors, summary?.ToString() ?? (problem is null ? null : $"note: {problem}"));
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

    // A file says nothing about its model, and a folder may hold one that is not known here; its tensors can be listed all the same.
    static (ModelSummary?, string? Problem) Summary(string path)
    {
        if (!Directory.Exists(path)) return (null, null);
        try
        {
            return (ModelSummary.Of(path), null);
        }
        catch (CheckpointException unknown)
        {
            return (null, unknown.Message);
        }
    }

    static void PrintTable(ShardedSafeTensors tensors, string? summary)
    {
        if (summary is not null) Console.WriteLine(summary);
        Tables.Print(["tensor", "type", "shape", "parameters", "bytes"],
            tensors.Items.Values.Select(item => (IReadOnlyList<string>)
                [item.Name, item.Type.ToString(), Shape(item), $"{item.ElementCount:N0}", $"{item.ByteLength:N0}"]), textColumns: 3);
        Console.WriteLine($"{tensors.Items.Count} tensors, {tensors.Items.Values.Sum(item => item.ElementCount):N0} parameters, " +
            $"{tensors.Items.Values.Sum(item => item.ByteLength):N0} bytes in {tensors.Shards.Count} file{(tensors.Shards.Count == 1 ? "" : "s")}");
        foreach ((string key, string value) in tensors.Metadata) Console.WriteLine($"metadata {key}: {value}");
    }

    static void PrintJson(ShardedSafeTensors tensors, ModelSummary? summary, string? problem)
    {
        using Stream output = Console.OpenStandardOutput();
        using (Utf8JsonWriter json = new(output, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("file", tensors.FilePath);
            json.WriteNumber("parameters", tensors.Items.Values.Sum(item => item.ElementCount));
            json.WriteNumber("bytes", tensors.Items.Values.Sum(item => item.ByteLength));
            json.WriteNumber("files", tensors.Shards.Count);
            if (summary is not null) WriteSummary(json, summary);
            if (problem is not null) json.WriteString("problem", problem);
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

    static void WriteSummary(Utf8JsonWriter json, ModelSummary summary)
    {
        json.WriteStartObject("model");
        json.WriteString("layout", summary.Layout);
        if (summary.Kind is { } kind) json.WriteString("kind", kind.ToString());
        json.WriteNumber("parameters", summary.Parameters);
        foreach ((string name, string value) in summary.Facts)
            if (long.TryParse(value, out long number)) json.WriteNumber(name.Replace(' ', '_'), number);
            else json.WriteString(name.Replace(' ', '_'), value);
        json.WriteStartArray("types");
        foreach (SafeTensorType type in summary.Types) json.WriteStringValue(type.Name());
        json.WriteEndArray();
        json.WriteEndObject();
    }

    static string Shape(SafeTensorItem item) => $"[{string.Join(", ", item.Shape.ToArray())}]";
}
