using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using Engine.Gpu;
using Engine.Tensors;

namespace Engine.Cli;

/// <summary>engine devices: what this machine can compute on, and if not, why not.</summary>
static class DevicesCommand
{
    static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object instead of a table." };
    static readonly Option<bool> Report = new("--report") { Description = "Also run a few operations on every device and compare them with the CPU: what to send when a card does not work." };

    /// <summary>A row of the table.</summary>
    sealed record Row(string Name, string Hardware, long MemoryBytes, string Driver, string? Problem);

    public static Command Create()
    {
        Command command = Commands.Create("devices", "List what this machine can compute on.",
            "The processor, and every device that a CUDA or OpenCL driver shows, with why it cannot be used where that is so. The name in\n" +
            "the first column is what --device of the other commands takes.\n\n" +
            "  engine devices\n  engine devices --json\n  engine devices --report > report.txt\n  engine finetune --model vit --data train --out run --device opencl:0");
        command.Add(Json);
        command.Add(Report);
        Commands.Run(command, (parsed, token) =>
        {
            Row[] rows = [Cpu(), .. GpuDevices.All.Select(device => new Row(device.Name, device.Hardware, device.MemoryBytes, device.Driver, device.Problem))];
            if (parsed.GetValue(Json)) PrintJson(rows);
            else PrintTable(rows);
            return parsed.GetValue(Report) ? PrintReport(rows, token) : ExitCode.Success;
        });
        return command;
    }

    static Row Cpu() => new("cpu", Device.Parse("cpu").Backend.Description, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, RuntimeInformation.FrameworkDescription, null);

    static void PrintTable(IReadOnlyList<Row> rows)
    {
        Tables.Print(["device", "hardware", "memory", "driver", "usable"],
            rows.Select(row => (IReadOnlyList<string>)[row.Name, row.Hardware, Gigabytes(row.MemoryBytes), row.Driver, row.Problem is null ? "yes" : $"no: {row.Problem}"]),
            textColumns: 5);
        foreach (string note in GpuDevices.Notes) Console.WriteLine(note);
    }

    static string Gigabytes(long bytes) => $"{Tables.Number(bytes / (double)(1 << 30), 1)} GB";

    static void PrintJson(IReadOnlyList<Row> rows)
    {
        using Stream output = Console.OpenStandardOutput();
        using (Utf8JsonWriter json = new(output, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteStartArray("devices");
            foreach (Row row in rows)
            {
                json.WriteStartObject();
                json.WriteString("name", row.Name);
                json.WriteString("hardware", row.Hardware);
                json.WriteNumber("memory_bytes", row.MemoryBytes);
                json.WriteString("driver", row.Driver);
                json.WriteBoolean("usable", row.Problem is null);
                if (row.Problem is not null) json.WriteString("problem", row.Problem);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("notes");
            foreach (string note in GpuDevices.Notes) json.WriteStringValue(note);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        output.Write("\n"u8);
    }

    static int PrintReport(IReadOnlyList<Row> rows, CancellationToken token)
    {
        string version = typeof(DevicesCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
        Console.WriteLine($"engine {version}, {RuntimeInformation.OSDescription} {RuntimeInformation.OSArchitecture}, {RuntimeInformation.FrameworkDescription}");
        int exit = ExitCode.Success;
        foreach (Row row in rows.Where(row => row.Name != "cpu" && row.Problem is null))
        {
            token.ThrowIfCancellationRequested();
            Console.WriteLine($"{row.Name}, {row.Hardware}, {row.Driver}: computed there and on the CPU");
            Device device = GpuDevices.Select(row.Name);
            DeviceCheckLine[] lines = [.. DeviceCheck.Run(device)];
            Tables.Print(["operation", "result", "error", "first run, ms"], lines.Select(line => (IReadOnlyList<string>)
                [line.Operation, line.Problem ?? (line.IsRight ? "right" : "WRONG"), double.IsNaN(line.Error) ? "-" : line.Error.ToString("E1", System.Globalization.CultureInfo.InvariantCulture),
                    Tables.Number(line.Milliseconds, 0)]), textColumns: 2);
            (int count, TimeSpan time) = DeviceCheck.LoadedKernels(device);
            Console.WriteLine($"{count} kernels loaded in {Tables.Number(time.TotalSeconds, 1)} s");
            if (!lines.All(line => line.IsRight)) exit = ExitCode.Failure;
        }

        return exit;
    }
}
