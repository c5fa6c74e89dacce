using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;

namespace Engine.GpuBench;

/// <summary>torch in a process of its own, <c>peer.py</c>: one JSON object a line, in turn. Whatever goes wrong there leaves us alone, not without results.</summary>
sealed class TorchPeer : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    readonly Process process;

    TorchPeer(Process process) => this.process = process;

    /// <summary>What torch says it is.</summary>
    public string Name { get; private set; } = "";

    /// <summary>False once it has failed to answer.</summary>
    public bool IsAlive { get; private set; } = true;

    /// <summary>Starts it on a device: cuda:0, or cpu.</summary>
    /// <returns>It, or why it is not there.</returns>
    public static (TorchPeer? Peer, string? Absent) Start(string python, string device)
    {
        ProcessStartInfo start = new(python) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "peer.py"));
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception failure)
        {
            return (null, $"{python} could not be started ({failure.Message})");
        }

        // The last line of what Python complains about says why torch is not there.
        string said = "";
        process.ErrorDataReceived += (_, line) => said = string.IsNullOrWhiteSpace(line.Data) ? said : line.Data.Trim();
        process.BeginErrorReadLine();
        TorchPeer peer = new(process);
        JsonElement? hello = peer.Ask(new { hello = device });
        if (hello is { } answer && answer.TryGetProperty("name", out JsonElement name))
        {
            peer.Name = name.GetString()!;
            return (peer, null);
        }

        if (hello is null && process.WaitForExit(2000)) process.WaitForExit();
        string? absent = hello is { } refusal ? refusal.GetProperty("absent").GetString() : said.Length > 0 ? said : $"{python} did not answer";
        peer.Dispose();
        return (null, absent);
    }

    /// <summary>Prepares a piece of work and warms it up.</summary>
    /// <returns>Null, or why torch does not do it.</returns>
    public string? Prepare(PeerRequest request, double seconds)
    {
        JsonElement? answer = Ask(new { prepare = new { op = request.Op, type = request.Type, shape = request.Shape, option = request.Option }, seconds });
        return Refusal(answer);
    }

    /// <summary>Milliseconds a call, over as many calls as fill that many seconds; null if it fails.</summary>
    public double? Time(double seconds) =>
        Ask(new { time = seconds }) is { } answer && answer.TryGetProperty("ms", out JsonElement ms) ? ms.GetDouble() : null;

    /// <summary>Lets go of the work and its memory.</summary>
    public void Release() => Ask(new { release = true });

    string? Refusal(JsonElement? answer) => answer is not { } said ? "torch's process did not answer"
        : said.TryGetProperty("absent", out JsonElement why) ? why.GetString() : null;

    JsonElement? Ask(object message)
    {
        if (!IsAlive) return null;
        try
        {
            process.StandardInput.WriteLine(JsonSerializer.Serialize(message));
            process.StandardInput.Flush();
            Task<string?> answer = process.StandardOutput.ReadLineAsync();
            if (answer.Wait(Patience) && answer.Result is { } line) return JsonDocument.Parse(line).RootElement;
        }
        catch (Exception failure) when (failure is IOException or AggregateException or JsonException)
        {
            // Ended, or talking nonsense: from here on it is not there.
        }

        IsAlive = false;
        return null;
    }

    public void Dispose()
    {
        IsAlive = false;
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        process.Dispose();
    }
}
