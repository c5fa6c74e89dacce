using Engine.Optim;

namespace Engine.Training.Tests;

public sealed class TraceArrowTests
{
    [Fact]
    public void A_file_holds_every_number_of_every_row()
    {
        using DataFolder folder = new();
        string path = Path.Combine(folder.Path, TraceArrow.FileName);
        TraceTable table = new(Rows(300, 5));
        TraceArrow.Save(path, table);
        TraceTable read = TraceTable.Read(path);
        Assert.Equal(table.Rows, read.Rows);
        Assert.Equal((300, 5), (read.StepCount, read.Layers.Count));
        Assert.Equal("ARROW1"u8, File.ReadAllBytes(path).AsSpan(0, 6));
    }

    [Fact]
    public void A_trace_written_while_the_run_goes_on_has_the_bytes_of_one_written_at_its_end()
    {
        using DataFolder folder = new();
        (string along, string whole) = (Path.Combine(folder.Path, "along.arrow"), Path.Combine(folder.Path, "whole.arrow"));
        Trainer trainer = Trained(keep: false), kept = Trained(keep: true);
        SpdTrace trace = trainer.Optimizer.Projection!.Trace;
        using (TraceRecorder recorder = new(along, trace))
        {
            trainer.StepFinished += _ =>
            {
                if (trainer.Optimizer.StepCount % 3 == 0) recorder.Append();
                if (trainer.Optimizer.StepCount % 5 == 0) recorder.Publish();
            };
            trainer.Fit();
        }

        kept.Fit();
        TraceArrow.Save(whole, new(kept.Optimizer.Projection!.Trace));
        Assert.True(new FileInfo(whole).Length > 1000);
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(along));
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
    }

    [Fact]
    public void A_killed_run_leaves_its_rows_up_to_the_last_whole_batch_and_goes_on_from_them()
    {
        using DataFolder folder = new();
        (string path, string killed) = (Path.Combine(folder.Path, "trace.arrow"), Path.Combine(folder.Path, "killed.arrow"));
        Trainer trainer = Trained(keep: false);
        SpdTrace trace = trainer.Optimizer.Projection!.Trace;
        List<SpdTraceRow> all = [];
        using TraceRecorder recorder = new(path, trace);
        trainer.StepFinished += _ =>
        {
            if (trainer.Optimizer.StepCount % 4 == 0) recorder.Append();
            all.AddRange(trace.Latest);
        };
        trainer.Fit();
        byte[] stream = ReadShared(TraceArrow.Growing(path));
        int layers = trainer.Arena.Segments.Count;

        // Cut in the midst of the last batch, as a kill cuts.
        File.WriteAllBytes(TraceArrow.Growing(killed), stream[..^100]);
        Assert.Equal(all.Take(4 * layers), TraceTable.Read(killed).Rows);
        using (TraceRecorder resumed = new(killed, trace, keep: 3)) resumed.Append();
        Assert.Equal(all, TraceTable.Read(killed).Rows);
    }

    [Fact]
    public void What_is_no_trace_is_refused_in_a_line()
    {
        using DataFolder folder = new();
        string text = folder.Write("trace.arrow", "no arrow at all, but long enough"u8), table = folder.Write("trace.csv", "a,b\n1,2\n"u8);
        foreach (string path in (string[])[text, table])
        {
            InvalidDataException refused = Assert.Throws<InvalidDataException>(() => TraceTable.Read(path));
            Assert.StartsWith(path, refused.Message);
            Assert.DoesNotContain('\n', refused.Message);
        }
    }

    [Fact]
    public void Text_and_Arrow_hold_the_same()
    {
        using DataFolder folder = new();
        string text = Path.Combine(folder.Path, "trace.csv"), arrow = Path.Combine(folder.Path, "trace.arrow");
        Trainer trainer = Trained(keep: true);
        trainer.Fit();
        SpdTrace trace = trainer.Optimizer.Projection!.Trace;
        TraceCsv.Save(text, trace);
        TraceArrow.Save(arrow, new(trace));
        Assert.Equal(TraceTable.Read(arrow).Rows, TraceTable.Read(text).Rows);
        Assert.Equal(trace.ToArray(), TraceTable.Read(arrow).Rows);
    }

    static Trainer Trained(bool keep) => TrainerSetup.Trainer(TrainerSetup.Options with { Epochs = 1, KeepTrace = keep }, validates: false);

    static byte[] ReadShared(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    internal static IEnumerable<SpdTraceRow> Rows(int steps, int layers)
    {
        for (int step = 1; step <= steps; step++)
        {
            for (int layer = 0; layer < layers; layer++)
            {
                float condition = MathF.Sin(0.03f * step + layer) * 0.01f, ratio = condition < 0 ? 0.1f + 0.01f * layer : 0;
                yield return new(step, $"blocks.{layer / 4}.{(layer % 4) switch { 0 => "norm1.weight", 1 => "attn.qkv.weight", 2 => "attn.proj.weight", _ => "mlp.fc1.weight" }}", condition, ratio,
                    MathF.Sqrt(step) * (1 + layer), ratio, MathF.Sqrt(step - 1) * (1 + layer), 0.5f);
            }
        }
    }
}
