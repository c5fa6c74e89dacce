using Engine.Optim;

namespace Engine.Training.Tests;

public sealed class ReportsTests
{
    [Fact]
    public void A_trace_has_a_row_a_step_and_layer()
    {
        using DataFolder folder = new();
        string path = Path.Combine(folder.Path, "trace.csv");
        AdamSpd optimizer = Trained(epochs: 1, out Trainer trainer);
        TraceCsv.Save(path, optimizer.Projection.Trace);
        string[] lines = File.ReadAllLines(path);
        Assert.Equal("step,layer,condition,ratio,deviation,scale,projected,deviation_before,gradient_norm,cosine", lines[0]);
        Assert.Equal(1 + 8 * trainer.Arena.Segments.Count, lines.Length);
        Assert.StartsWith($"1,{trainer.Arena.Segments[0].Name},", lines[1]);
    }

    [Fact]
    public void A_resumed_trace_keeps_the_rows_before()
    {
        using DataFolder folder = new();
        string path = Path.Combine(folder.Path, "trace.csv");
        SpdTrace trace = Trained(epochs: 1, out Trainer trainer).Projection.Trace;
        TraceCsv.Save(path, trace);
        TraceCsv.Save(path, trace, keep: 3);
        string[] lines = File.ReadAllLines(path);
        int layers = trainer.Arena.Segments.Count;
        Assert.Equal(1 + (3 + 8) * layers, lines.Length);
        Assert.Equal(lines[1..(1 + 3 * layers)], lines[(1 + 3 * layers)..(1 + 6 * layers)]);
    }

    [Fact]
    public void The_plot_is_a_png_of_its_size()
    {
        using DataFolder folder = new();
        string path = Path.Combine(folder.Path, "accuracy.png");
        AccuracyPlot.Save(path, "title", [new("AdamW", 3, 0.9, 0.5), new("Adam-SPD", 2, 0.9, 0.6)], new("pre-trained", 0, 0.7, 0.7));
        RgbImage picture = ImageDecoder.Decode(path);
        Assert.True(picture.Width >= 800 && picture.Height >= 400);
        Assert.Equal(["accuracy.png"], Directory.GetFiles(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void A_file_whose_writing_fails_leaves_what_was_there()
    {
        using DataFolder folder = new();
        string path = folder.Write("table.csv", "before"u8);
        Assert.Throws<InvalidOperationException>(() => WholeFile.Write(path, stream =>
        {
            stream.Write("half"u8);
            throw new InvalidOperationException();
        }));
        Assert.Equal("before", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Cells_with_commas_and_quotes_are_quoted()
    {
        using DataFolder folder = new();
        string path = Path.Combine(folder.Path, "table.csv");
        CsvFile.Write(path, ["a", "b"], [["x,y", 1.5], ["say \"no\"", -0.25f]]);
        Assert.Equal("a,b\n\"x,y\",1.5\n\"say \"\"no\"\"\",-0.25\n", File.ReadAllText(path));
    }

    [Fact]
    public void Findings_follow_the_numbers_either_way()
    {
        DomainOutcome before = new(null, 0, [0.8, 0.8, 0.8, 0.8, 0.8], 0, TimeSpan.Zero);
        DomainOutcome good = new("Adam-SPD", 1, [0.7, 0.9, 0.7, 0.7, 0.7], 1, TimeSpan.Zero), bad = new("AdamW", 1, [0.6, 0.9, 0.6, 0.6, 0.6], 2, TimeSpan.Zero);
        string better = DomainFindings.Describe(DrawnDomain.Sketch, [before, bad, good]);
        Assert.Contains("AdamW loses 20.0 points", better);
        Assert.Contains("10.0 points above AdamW there and level with it on sketch, at 50 %", better);
        string worse = DomainFindings.Describe(DrawnDomain.Sketch, [before, bad with { Method = "Adam-SPD" }, good with { Method = "AdamW" }]);
        // The first method is the one compared with, whatever the order of quality.
        Assert.Contains("10.0 points above Adam-SPD", worse);
        Assert.Contains("10.0 points below AdamW", DomainFindings.Describe(DrawnDomain.Sketch, [before, good with { Method = "AdamW" }, bad with { Method = "Adam-SPD" }]));
    }

    static AdamSpd Trained(int epochs, out Trainer trainer)
    {
        trainer = TrainerSetup.Trainer(TrainerSetup.Options with { Epochs = epochs, KeepTrace = true }, validates: false);
        trainer.Fit();
        return (AdamSpd)trainer.Optimizer;
    }
}
