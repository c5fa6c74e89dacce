using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Engine.Training.Tests;

/// <summary>A headless Chromium, spoken to over its debugging socket; it resolves no host but itself.</summary>
sealed class Browser : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    readonly Process process;
    readonly string profile;
    readonly ClientWebSocket socket = new();
    int sent;

    Browser(Process process, string profile) => (this.process, this.profile) = (process, profile);

    /// <summary>The program; null where there is none.</summary>
    public static string? Program { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => (string[])[Path.Combine(folder, "chromium"), Path.Combine(folder, "chromium-browser"), Path.Combine(folder, "google-chrome")]).FirstOrDefault(File.Exists);

    /// <summary>What went wrong in the page: exceptions, errors in the console, violations of its security policy.</summary>
    public List<string> Errors { get; } = [];

    /// <summary>What the page asked of anything but its own file.</summary>
    public List<string> Requests { get; } = [];

    public static async Task<Browser> Open(string page, int width = 1280, bool dark = false)
    {
        string profile = Directory.CreateTempSubdirectory("engine-browser-").FullName;
        ProcessStartInfo start = new(Program!) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (string argument in (string[])["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions", "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--remote-debugging-port=0", $"--user-data-dir={profile}", $"--window-size={width},900", "about:blank"]) start.ArgumentList.Add(argument);
        Browser browser = new(Process.Start(start)!, profile);
        int port = await browser.Port();
        using HttpClient http = new();
        JsonArray pages = JsonNode.Parse(await http.GetStringAsync($"http://127.0.0.1:{port}/json/list"))!.AsArray();
        await browser.socket.ConnectAsync(new(pages.First(entry => (string?)entry!["type"] == "page")!["webSocketDebuggerUrl"]!.GetValue<string>()), CancellationToken.None);
        foreach (string domain in (string[])["Runtime", "Log", "Network", "Page"]) await browser.Send($"{domain}.enable");
        await browser.Send("Emulation.setDeviceMetricsOverride", new() { ["width"] = width, ["height"] = 900, ["deviceScaleFactor"] = 1, ["mobile"] = width < 600 });
        await browser.Send("Emulation.setEmulatedMedia", new() { ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = dark ? "dark" : "light" }) });
        await browser.Send("Page.navigate", new() { ["url"] = new Uri(page).AbsoluteUri });
        await browser.Evaluate("new Promise(done => { const look = () => window.report?.ready || performance.now() > 50000 ? done(true) : setTimeout(look, 20); look(); })");
        return browser;
    }

    /// <summary>The value of an expression in the page, a promise's if it is one.</summary>
    public async Task<JsonElement> Evaluate(string expression)
    {
        JsonNode answer = await Send("Runtime.evaluate", new() { ["expression"] = expression, ["awaitPromise"] = true, ["returnByValue"] = true });
        Assert.True(answer["exceptionDetails"] is null, answer.ToJsonString());
        return JsonSerializer.Deserialize<JsonElement>(answer["result"]!["value"]?.ToJsonString() ?? "null");
    }

    /// <summary>The whole page as a PNG.</summary>
    public async Task<byte[]> Picture()
    {
        JsonNode answer = await Send("Page.captureScreenshot", new() { ["captureBeyondViewport"] = true, ["format"] = "png" });
        return Convert.FromBase64String(answer["data"]!.GetValue<string>());
    }

    /// <summary>The page as it is printed, a PDF.</summary>
    public async Task<byte[]> Print() => Convert.FromBase64String((await Send("Page.printToPDF", new() { ["preferCSSPageSize"] = true, ["printBackground"] = true }))["data"]!.GetValue<string>());

    public async Task<JsonNode> Send(string method, JsonObject? parameters = null)
    {
        using CancellationTokenSource late = new(Patience);
        int id = ++sent;
        byte[] message = Encoding.UTF8.GetBytes(new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters ?? [] }.ToJsonString());
        await socket.SendAsync(message, WebSocketMessageType.Text, true, late.Token);
        while (true)
        {
            JsonNode heard = await Receive(late.Token);
            if ((int?)heard["id"] == id) return heard["error"] is { } error ? throw new InvalidOperationException($"{method}: {error.ToJsonString()}") : heard["result"]!;
            Hear(heard);
        }
    }

    public void Dispose()
    {
        socket.Dispose();
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
        process.Dispose();
        try
        {
            Directory.Delete(profile, recursive: true);
        }
        catch (IOException)
        {
            // A child of the browser may still write there as it dies; the folder is the system's temporary one.
        }
    }

    void Hear(JsonNode heard)
    {
        JsonNode? what = heard["params"];
        switch ((string?)heard["method"])
        {
            case "Runtime.exceptionThrown":
            case "Log.entryAdded" when (string?)what!["entry"]!["level"] == "error":
            case "Runtime.consoleAPICalled" when (string?)what!["type"] is "error" or "warning" or "assert":
                Errors.Add(what!.ToJsonString());
                break;
            case "Network.requestWillBeSent" when (string?)what!["request"]!["url"] is { } url && !url.StartsWith("file:", StringComparison.Ordinal) && !url.StartsWith("data:", StringComparison.Ordinal) && url != "about:blank":
                Requests.Add(url);
                break;
        }
    }

    async Task<JsonNode> Receive(CancellationToken late)
    {
        using MemoryStream whole = new();
        byte[] buffer = new byte[1 << 16];
        while (true)
        {
            WebSocketReceiveResult part = await socket.ReceiveAsync(buffer, late);
            whole.Write(buffer, 0, part.Count);
            if (part.EndOfMessage) return JsonNode.Parse(whole.ToArray())!;
        }
    }

    // It says where it listens in its errors, of which it has more to say later.
    Task<int> Port()
    {
        const string Says = "DevTools listening on ";
        TaskCompletionSource<int> port = new();
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data?.StartsWith(Says, StringComparison.Ordinal) ?? false) port.TrySetResult(new Uri(line.Data[Says.Length..]).Port);
            if (line.Data is null) port.TrySetException(new InvalidOperationException("The browser ended before it listened."));
        };
        process.OutputDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return port.Task.WaitAsync(Patience);
    }
}
