using System.Diagnostics;
using System.Text.Json;
using Engine.Optim;

namespace Engine.Training.Tests;

public sealed class ReportPageTests
{
    [Theory]
    [InlineData(1280, false)]
    [InlineData(1280, true)]
    [InlineData(360, false)]
    [InlineData(360, true)]
    public async Task The_page_opens_without_an_error_or_a_request_and_fits_its_width(int width, bool dark)
    {
        using DataFolder folder = new();
        using Browser browser = await Open(folder, new(TraceArrowTests.Rows(120, 26)), Results(), width, dark);
        Assert.Equal(["layers", "layer", "share", "loss", "tradeoff", "deviation", "results", "settings"], Texts(await browser.Evaluate("report.shown()")));
        Assert.Equal("fits", (await browser.Evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth ? 'fits' : 'too wide'")).GetString());
        Keep($"report-{width}-{(dark ? "dark" : "light")}.png", await browser.Picture());
        if (width == 1280 && !dark) Keep("report.pdf", await browser.Print());
        Assert.Empty(browser.Errors);
        Assert.Empty(browser.Requests);
    }

    [Fact]
    public async Task The_page_shows_what_the_trace_says()
    {
        using DataFolder folder = new();
        TraceTable table = new(TraceArrowTests.Rows(120, 6));
        using Browser browser = await Open(folder, table);
        foreach ((int step, int layer) in ((int, int)[])[(0, 0), (57, 3), (119, 5)])
        {
            SpdTraceRow row = table[step, layer];
            foreach ((string quantity, float value) in ((string, float)[])[("condition", row.Condition), ("ratio", row.Ratio), ("scale", row.Scale), ("deviation", row.Deviation), ("projected", row.Projected ? 1 : 0)])
                Assert.Equal(value, (float)(await browser.Evaluate($"report.value('{quantity}', '{row.Segment}', {step})")).GetDouble());
        }

        double share = table.Rows.Count(row => row.Segment == table.Layers[2] && row.Projected) / 120.0;
        Assert.InRange(share, 0.2, 0.8);
        Assert.Equal(share, (await browser.Evaluate($"report.share('{table.Layers[2]}')")).GetDouble(), 1e-9);
        Assert.Equal(share, (await browser.Evaluate("report.chart('share').getOption().series[0].data[2].value")).GetDouble(), 1e-9);
        Assert.Contains("120", (await browser.Evaluate("document.getElementById('facts').textContent")).GetString());
    }

    [Fact]
    public async Task A_click_on_a_layer_shows_its_curves_and_a_button_another_quantity()
    {
        using DataFolder folder = new();
        TraceTable table = new(TraceArrowTests.Rows(120, 6));
        using Browser browser = await Open(folder, table);
        JsonElement place = await browser.Evaluate("(() => { const box = document.getElementById('heat-chart').getBoundingClientRect(), at = report.chart('heat').convertToPixel({ gridIndex: 0 }, [60, 4]); return [box.left + at[0], box.top + at[1]]; })()");
        foreach (string kind in (string[])["mouseMoved", "mousePressed", "mouseReleased"])
            await browser.Send("Input.dispatchMouseEvent", new() { ["type"] = kind, ["x"] = place[0].GetDouble(), ["y"] = place[1].GetDouble(), ["button"] = kind == "mouseMoved" ? "none" : "left", ["clickCount"] = 1 });
        Assert.Equal("4", (await browser.Evaluate("document.getElementById('layer-choice').value")).GetString());
        Assert.Equal(table[119, 4].Deviation, (float)(await browser.Evaluate("report.chart('layer').getOption().series[0].data[119][1]")).GetDouble());
        Assert.Contains($"{table.Layers[4]}", (await browser.Evaluate("document.getElementById('tip').textContent")).GetString());
        await browser.Evaluate("document.querySelector('button[data-name=projected]').click()");
        Assert.Equal("100.0 %", (await browser.Evaluate("document.getElementById('scale-high').textContent")).GetString());
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task A_hundred_layers_over_ten_thousand_steps_are_binned_and_open()
    {
        using DataFolder folder = new();
        TraceTable table = new(TraceArrowTests.Rows(10_000, 100));
        Stopwatch clock = Stopwatch.StartNew();
        using Browser browser = await Open(folder, table);
        long bytes = new FileInfo(Path.Combine(folder.Path, ReportPage.FileName)).Length;
        TestContext.Current.SendDiagnosticMessage($"100 layers, 10000 steps: {bytes / 1e6:F1} MB, drawn in {(await browser.Evaluate("report.milliseconds")).GetDouble():F0} ms, open {clock.ElapsedMilliseconds} ms after the writing began");
        Console.WriteLine($"100 layers, 10000 steps: {bytes / 1e6:F1} MB, drawn in {(await browser.Evaluate("report.milliseconds")).GetDouble():F0} ms, {(await browser.Evaluate("performance.now()")).GetDouble():F0} ms after the page began, {clock.ElapsedMilliseconds} ms after the writing began");
        Assert.InRange(bytes, 1_000_000, 12_000_000);

        // Seven steps a column: the mean of c, and the deviation after the last of them.
        Assert.Equal(Enumerable.Range(700, 7).Average(step => table[step, 42].Condition), (await browser.Evaluate($"report.value('condition', '{table.Layers[42]}', 100)")).GetDouble(), 1e-7);
        Assert.Equal(table[706, 42].Deviation, (float)(await browser.Evaluate($"report.value('deviation', '{table.Layers[42]}', 100)")).GetDouble());
        Keep("report-large.png", await browser.Picture());
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task Accuracies_are_those_of_the_results()
    {
        using DataFolder folder = new();
        using Browser browser = await Open(folder, null, Results());
        Assert.Equal(["loss", "tradeoff", "deviation", "results", "settings"], Texts(await browser.Evaluate("report.shown()")));
        JsonElement point = await browser.Evaluate("report.chart('tradeoff').getOption().series.find(s => s.name === 'WiSE-FT').data[2].value");
        Assert.Equal((70 + 100 * 0.5 * 0.2, 60 + 100 * (0.5 * 0.08 - 0.25 * 0.2)), (point[0].GetDouble(), point[1].GetDouble()), (a, b) => Math.Abs(a.Item1 - b.Item1) + Math.Abs(a.Item2 - b.Item2) < 1e-6);
        Assert.Contains("46.0", (await browser.Evaluate("document.getElementById('results-table').textContent")).GetString());
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task Names_from_a_run_are_text_and_never_markup()
    {
        using DataFolder folder = new();
        RunRecord record = new() { About = "</script><img src=x onerror=boom>{{script}}", Settings = [["<b>", "</script>"]] };
        string path = Path.Combine(folder.Path, ReportPage.FileName);
        ReportPage.Save(path, "<i>title</i>", [new("run", record, null)]);
        Assert.SkipWhen(Browser.Program is null, "no Chromium here");
        using Browser browser = await Browser.Open(path);
        Assert.Equal("<i>title</i>", (await browser.Evaluate("document.querySelector('h1').textContent")).GetString());
        Assert.Equal(record.About, (await browser.Evaluate("document.getElementById('lead').textContent")).GetString());
        Assert.Equal("<b></script>", (await browser.Evaluate("document.getElementById('settings-table').textContent")).GetString());
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public void A_folder_of_another_version_is_refused_in_a_line()
    {
        using DataFolder folder = new();
        folder.Write("run/run.json", "{\"format\": \"engine run 0\"}"u8);
        folder.Write("text/run.json", "not json"u8);
        foreach (string name in (string[])["run", "text"])
        {
            InvalidDataException refused = Assert.Throws<InvalidDataException>(() => ReportRun.Load(Path.Combine(folder.Path, name)));
            Assert.Contains("run.json: ", refused.Message);
        }

        Assert.Throws<DirectoryNotFoundException>(() => ReportRun.Load(Path.Combine(folder.Path, "absent")));
    }

    static async Task<Browser> Open(DataFolder folder, TraceTable? table, ExperimentResults? results = null, int width = 1280, bool dark = false)
    {
        Assert.SkipWhen(Browser.Program is null, "no Chromium here");
        string path = Path.Combine(folder.Path, ReportPage.FileName);
        RunRecord record = new()
        {
            About = "VisionTransformer on flowers, AdamSpd",
            Settings = [["optimizer", "AdamSpd"], ["learning rate", "0.001"], ["preprocessing", "a long text that says how images are cut, resampled and normalised, with all of its numbers 0.485, 0.456, 0.406, 0.229, 0.224, 0.225"]],
            Curves = [new("training", [.. Enumerable.Range(1, 60).Select(i => new RunPoint(2 * i, 2.3 * Math.Exp(-0.03 * i) + 0.1 * Math.Sin(i), 0.5, 1e-3))], [new(60, 1.2, 0.6, "accuracy 60.0 %"), new(120, 0.8, 0.7, "accuracy 70.0 %")])],
        };
        ReportPage.Save(path, "flowers", [new("flowers", record, table)], results);
        return await Browser.Open(path, width, dark);
    }

    static ExperimentResults Results()
    {
        List<ExperimentRun> runs = [];
        for (ulong seed = 1; seed <= 3; seed++)
        {
            double noise = 0.01 * ((double)seed - 2);
            runs.Add(Run("AdamW", null, null, seed, 0.9 + noise, 0.46, 4));
            foreach (double lambda in (double[])[0.5, 1, 2]) runs.Add(Run("Adam-SPD", "lambda", lambda, seed, 0.9 - 0.01 * lambda + noise, 0.46 + 0.07 * lambda - noise, 4 / (1 + lambda)));
        }

        for (int i = 0; i <= 4; i++) runs.Add(Run("WiSE-FT", "alpha", 0.25 * i, 1, 0.7 + 0.2 * 0.25 * i, 0.6 + 0.08 * 0.25 * i - 0.2 * 0.0625 * i * i, i));
        return new() { Domain = "sketch", Others = ["filled", "photo"], Pretrained = Run("pre-trained", null, null, null, 0.7, 0.6, 0), Runs = runs };

        static ExperimentRun Run(string method, string? knob, double? value, ulong? seed, double home, double other, double deviation) => new()
        {
            Method = method,
            Knob = knob,
            Value = value,
            Seed = seed,
            Accuracy = new Dictionary<string, double> { ["sketch"] = home, ["filled"] = other + 0.02, ["photo"] = other - 0.02 },
            Deviation = deviation,
        };
    }

    static string[] Texts(JsonElement list) => [.. list.EnumerateArray().Select(text => text.GetString()!)];

    // To be looked at: ENGINE_REPORT_PICTURES names a folder.
    static void Keep(string name, byte[] picture)
    {
        if (Environment.GetEnvironmentVariable("ENGINE_REPORT_PICTURES") is { } folder) File.WriteAllBytes(Path.Combine(folder, name), picture);
    }
}
