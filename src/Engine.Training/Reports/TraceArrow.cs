using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using Engine.Optim;

namespace Engine.Training;

/// <summary>
/// The trace as an Apache Arrow file, a column a quantity, which pyarrow, pandas, polars, DuckDB and R open. While a run goes on
/// its rows are appended to a second file in Arrow's stream form, which is readable up to the last whole batch wherever a run is killed.
/// </summary>
public static class TraceArrow
{
    /// <summary>The usual name.</summary>
    public const string FileName = "trace.arrow";

    const string Format = "engine trace 1";

    // Steps a batch: large enough that the columns' headers do not count, small enough to be read piece by piece.
    const int BatchSteps = 128;

    static readonly DictionaryType LayerType = new(Int32Type.Default, StringType.Default, ordered: false);

    static readonly Schema Schema = new(
        [
            new("step", Int64Type.Default, nullable: false),
            new("layer", LayerType, nullable: false),
            .. new[] { "condition", "ratio", "deviation_before", "deviation", "lambda_ratio", "gradient_norm", "cosine" }.Select(name => new Field(name, FloatType.Default, nullable: false)),
            new("projected", BooleanType.Default, nullable: false),
        ],
        [new("format", Format)]);

    /// <summary>The stream beside a file that is still growing.</summary>
    public static string Growing(string path) => path + ".part";

    /// <summary>Writes a whole trace; the file appears only when complete. Equal rows give equal bytes.</summary>
    public static void Save(string path, TraceTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        WholeFile.Write(path, stream =>
        {
            using ArrowFileWriter writer = new(stream, Schema, leaveOpen: true);
            writer.WriteStart();
            foreach (SpdTraceRow[] rows in table.Rows.Chunk(Math.Max(BatchSteps * table.Layers.Count, 1))) writer.WriteRecordBatch(Batch(rows, table.Layers));
            writer.WriteEnd();
        });
    }

    /// <summary>The rows of a file, or of the stream beside it where a run is under way or was killed: whichever holds more.</summary>
    /// <exception cref="InvalidDataException">It is no trace.</exception>
    public static IReadOnlyList<SpdTraceRow> Read(string path)
    {
        string growing = Growing(path);
        if (!File.Exists(growing)) return ReadFile(path);
        List<SpdTraceRow> fresh = ReadStream(growing);

        // A run that was killed as it began to go on has a stream that is behind its file.
        List<SpdTraceRow> whole = File.Exists(path) ? ReadFile(path) : [];
        return whole.Count > fresh.Count ? whole : fresh;
    }

    static List<SpdTraceRow> ReadFile(string path)
    {
        List<RecordBatch> batches = [];
        using FileStream stream = File.OpenRead(path);
        using ArrowFileReader reader = new(stream);
        try
        {
            while (reader.ReadNextRecordBatch() is { } batch) batches.Add(batch);
        }
        catch (Exception exception)
        {
            throw new InvalidDataException($"{path}: is no whole Arrow file: {exception.Message}", exception);
        }

        List<SpdTraceRow> rows = [];
        foreach (RecordBatch batch in batches) Add(rows, path, batch);
        return rows;
    }

    static List<SpdTraceRow> ReadStream(string path)
    {
        List<SpdTraceRow> rows = [];
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using ArrowStreamReader reader = new(stream);
        try
        {
            while (reader.ReadNextRecordBatch() is { } batch) Add(rows, path, batch);
        }
        catch (Exception exception) when (exception is not InvalidDataException)
        {
            // A batch that was cut off: those before it are what there is.
        }

        return rows;
    }

    static void Add(List<SpdTraceRow> rows, string path, RecordBatch batch)
    {
        using RecordBatch read = batch;
        if (batch.Schema.Metadata?.GetValueOrDefault("format") != Format) throw new InvalidDataException($"{path}: is an Arrow file, but not an {Format}.");
        Int64Array steps = (Int64Array)batch.Column("step");
        DictionaryArray layers = (DictionaryArray)batch.Column("layer");
        (Int32Array indices, StringArray names) = ((Int32Array)layers.Indices, (StringArray)layers.Dictionary);
        string[] name = [.. Enumerable.Range(0, names.Length).Select(i => names.GetString(i))];
        ReadOnlySpan<float> condition = Column(batch, "condition"), ratio = Column(batch, "ratio"), before = Column(batch, "deviation_before"),
            deviation = Column(batch, "deviation"), scale = Column(batch, "lambda_ratio"), slope = Column(batch, "gradient_norm");
        for (int i = 0; i < batch.Length; i++)
            rows.Add(new(steps.Values[i], name[indices.Values[i]], condition[i], ratio[i], deviation[i], scale[i], before[i], slope[i]));
    }

    static ReadOnlySpan<float> Column(RecordBatch batch, string name) => ((FloatArray)batch.Column(name)).Values;

    internal static RecordBatch Batch(IReadOnlyList<SpdTraceRow> rows, IReadOnlyList<string> layers)
    {
        StringArray names = new StringArray.Builder().AppendRange(layers).Build();
        Int32Array indices = new Int32Array.Builder().AppendRange(Enumerable.Range(0, rows.Count).Select(i => i % layers.Count)).Build();
        return new(Schema,
        [
            new Int64Array.Builder().AppendRange(rows.Select(row => row.Step)).Build(),
            new DictionaryArray(LayerType, indices, names),
            Column(row => row.Condition),
            Column(row => row.Ratio),
            Column(row => row.DeviationBefore),
            Column(row => row.Deviation),
            Column(row => row.Scale),
            Column(row => row.GradientNorm),
            Column(row => row.Cosine),
            new BooleanArray.Builder().AppendRange(rows.Select(row => row.Projected)).Build(),
        ], rows.Count);

        FloatArray Column(Func<SpdTraceRow, float> value) => new FloatArray.Builder().AppendRange(rows.Select(value)).Build();
    }

    internal static ArrowStreamWriter Stream(Stream stream) => new(stream, Schema);
}
