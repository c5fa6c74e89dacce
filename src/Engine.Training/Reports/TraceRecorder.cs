using Apache.Arrow;
using Apache.Arrow.Ipc;
using Engine.Optim;

namespace Engine.Training;

/// <summary>
/// Writes a trace as Arrow while the run goes on: the ring's rows are appended, now and then, to a stream beside the file; the file
/// itself is written from it when asked, and always appears whole.
/// </summary>
public sealed class TraceRecorder : IDisposable
{
    readonly string path;
    readonly SpdTrace trace;
    readonly FileStream file;
    readonly ArrowStreamWriter stream;
    long last, published;

    /// <summary>Begins a trace.</summary>
    /// <param name="path">The file.</param>
    /// <param name="trace">What is recorded; its ring must hold the steps between two calls of <see cref="Append"/>.</param>
    /// <param name="keep">Rows of steps up to this one that the file has already stay: those of a run that was resumed.</param>
    /// <exception cref="IOException">The file cannot be written, or the earlier one not read.</exception>
    public TraceRecorder(string path, SpdTrace trace, long keep = 0)
    {
        ArgumentNullException.ThrowIfNull(trace);
        (this.path, this.trace, last) = (path, trace, keep);
        SpdTraceRow[] earlier = keep > 0 && (File.Exists(path) || File.Exists(TraceArrow.Growing(path))) ? [.. TraceArrow.Read(path).Where(row => row.Step <= keep)] : [];
        file = new(TraceArrow.Growing(path), FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        stream = TraceArrow.Stream(file);
        Write(earlier);
    }

    /// <summary>Appends the steps since the last call.</summary>
    public void Append() => Write([.. trace.Since(last)]);

    /// <summary>Writes the file anew, if it has grown by a quarter since: all its writings together cost little more than one.</summary>
    public void Publish()
    {
        Append();
        if (last - published < published / 4 || last == published) return;
        TraceArrow.Save(path, new(TraceArrow.Read(path)));
        published = last;
    }

    /// <summary>Writes the whole file; the stream beside it goes.</summary>
    public void Dispose()
    {
        Append();
        TraceArrow.Save(path, new(TraceArrow.Read(path)));
        stream.Dispose();
        file.Dispose();
        File.Delete(TraceArrow.Growing(path));
    }

    void Write(SpdTraceRow[] rows)
    {
        if (rows.Length == 0) return;
        string[] layers = [.. rows.TakeWhile(row => row.Step == rows[0].Step).Select(row => row.Segment)];
        using RecordBatch batch = TraceArrow.Batch(rows, layers);
        stream.WriteRecordBatch(batch);
        file.Flush();
        last = rows[^1].Step;
    }
}
