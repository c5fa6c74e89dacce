using Engine.Tensors;

namespace Engine.Training;

/// <summary>How examples are put into batches.</summary>
public sealed record TextLoaderOptions
{
    /// <summary>B: sequences a batch.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>
    /// Several examples a sequence, up to this many tokens, none seeing another; null for one each, those of like length
    /// together.
    /// </summary>
    public int? PackedLength { get; init; }

    /// <summary>Whether the order differs from epoch to epoch; otherwise batches come in order of length, which evaluation does not mind.</summary>
    public bool Shuffle { get; init; }

    /// <summary>Decides the order.</summary>
    public ulong Seed { get; init; }
}

/// <summary>
/// Puts tokenized examples into batches that waste little on padding. The batches of an epoch are a function of seed and
/// epoch alone.
/// </summary>
public sealed class TextLoader
{
    // Lengths are sorted within so many batches: enough to make neighbours alike, few enough that batches differ from epoch to epoch.
    const int BatchesInBucket = 32;

    readonly IReadOnlyList<TokenExample> examples;
    readonly int[][] rows;              // which examples make up each sequence

    /// <summary>Packs, where asked to.</summary>
    /// <exception cref="ArgumentException">There are no examples, an option makes no sense, or an example is longer than a packed sequence.</exception>
    public TextLoader(IReadOnlyList<TokenExample> examples, TextLoaderOptions options)
    {
        ArgumentNullException.ThrowIfNull(examples);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.BatchSize);
        if (examples.Count == 0) throw new ArgumentException("There are no examples.", nameof(examples));
        (this.examples, Options) = (examples, options);
        rows = options.PackedLength is { } length ? Pack(examples, length) : [.. Enumerable.Range(0, examples.Count).Select(index => (int[])[index])];
    }

    /// <summary>How the batches are made.</summary>
    public TextLoaderOptions Options { get; }

    /// <summary>Batches an epoch.</summary>
    public int BatchCount => (rows.Length + Options.BatchSize - 1) / Options.BatchSize;

    /// <summary>Examples in all.</summary>
    public int ExampleCount => examples.Count;

    /// <summary>Sequences in all: fewer than examples where they are packed.</summary>
    public int SequenceCount => rows.Length;

    /// <summary>Tokens that are predicted in an epoch.</summary>
    public long LabelCount => examples.Sum(example => (long)example.Labels);

    /// <summary>Tokens that are read in an epoch.</summary>
    public long TokenCount => examples.Sum(example => (long)example.Length);

    /// <summary>The batches of an epoch in order.</summary>
    /// <param name="epoch">From 0.</param>
    /// <param name="firstBatch">Where to begin.</param>
    public IEnumerable<TextBatch> Epoch(int epoch, int firstBatch = 0)
    {
        int[][] plan = Plan(epoch);
        for (int i = firstBatch; i < plan.Length; i++) yield return Batch(plan[i]);
    }

    // The sequences of each batch.
    int[][] Plan(int epoch)
    {
        int size = Options.BatchSize;
        if (!Options.Shuffle) return [.. Enumerable.Range(0, rows.Length).OrderBy(LengthOf).Chunk(size)];
        int[] order = RandomPurpose.Shuffle.Stream(Options.Seed, 0, epoch).Permutation(rows.Length);
        List<int[]> batches = new(BatchCount);
        // The last batch of the epoch may be short; it stays last in its bucket and is then put anywhere.
        foreach (int[] bucket in order.Chunk(size * BatchesInBucket))
            batches.AddRange(bucket.OrderBy(LengthOf).Chunk(size));
        int[] places = RandomPurpose.Shuffle.Stream(Options.Seed, 1, epoch).Permutation(batches.Count);
        return [.. places.Select(place => batches[place])];
    }

    int LengthOf(int row) => rows[row].Sum(index => examples[index].Length);

    TextBatch Batch(int[] members) => new([.. members.Select(row => (IReadOnlyList<TokenExample>)[.. rows[row].Select(index => examples[index])])], masked: Options.PackedLength is not null);

    // First fit decreasing (Johnson 1973): at most 11/9 of the fewest sequences and one, the same ones in every epoch.
    static int[][] Pack(IReadOnlyList<TokenExample> examples, int length)
    {
        List<(List<int> Members, int Room)> bins = [];
        int firstOpen = 0;
        foreach (int index in Enumerable.Range(0, examples.Count).OrderByDescending(index => examples[index].Length))
        {
            int need = examples[index].Length;
            if (need > length) throw new ArgumentException($"An example has {need} tokens, a packed sequence only {length}.", nameof(examples));
            int bin = firstOpen;
            while (bin < bins.Count && bins[bin].Room < need) bin++;
            if (bin == bins.Count) bins.Add(([], length));
            bins[bin].Members.Add(index);
            bins[bin] = (bins[bin].Members, bins[bin].Room - need);
            while (firstOpen < bins.Count && bins[firstOpen].Room == 0) firstOpen++;
        }

        return [.. bins.Select(bin => bin.Members.ToArray())];
    }
}

/// <summary>Sequences side by side, each of one or more examples.</summary>
public sealed class TextBatch
{
    readonly int[] tokens, segments;
    readonly bool masked;

    internal TextBatch(IReadOnlyList<IReadOnlyList<TokenExample>> sequences, bool masked)
    {
        (Rows, Length, this.masked) = (sequences.Count, sequences.Max(examples => examples.Sum(example => example.Length)), masked);
        (tokens, segments) = (new int[Rows * Length], new int[Rows * Length]);
        List<int> places = [], labels = [];
        for (int row = 0; row < Rows; row++)
        {
            int at = row * Length, segment = 0;
            foreach (TokenExample example in sequences[row])
            {
                example.Tokens.AsSpan(0, example.Length).CopyTo(tokens.AsSpan(at));
                segments.AsSpan(at, example.Length).Fill(++segment);
                for (int label = example.FirstLabel; label < example.Tokens.Length; label++)
                {
                    places.Add(at + label - 1);
                    labels.Add(example.Tokens[label]);
                }

                at += example.Length;
                Count += example.Length;
            }
        }

        (Places, Labels) = ([.. places], [.. labels]);
    }

    /// <summary>B: sequences.</summary>
    public int Rows { get; }

    /// <summary>T: tokens of the longest.</summary>
    public int Length { get; }

    /// <summary>Tokens read, without padding.</summary>
    public int Count { get; }

    /// <summary>Where something is predicted, as places in [B * T].</summary>
    public IReadOnlyList<int> Places { get; }

    /// <summary>What comes after each of those places.</summary>
    public IReadOnlyList<int> Labels { get; }

    /// <summary>int32 [B, T]. Padding, after a sequence's end, is token 0: being later, it is seen by nobody.</summary>
    public Tensor Tokens(Device device) => Tensor.From<int>(tokens, [Rows, Length], device);

    /// <summary>
    /// bool [B, 1, T, T], who is of the same example; null where a sequence has but one, since attention is causal anyway.
    /// Positions go on from example to example: rotary scores depend on distances alone.
    /// </summary>
    public Tensor? Mask(Device device)
    {
        if (!masked) return null;
        bool[] seen = new bool[(long)Rows * Length * Length];
        for (int row = 0; row < Rows; row++)
        {
            ReadOnlySpan<int> segment = segments.AsSpan(row * Length, Length);
            for (int query = 0; query < Length; query++)
            {
                Span<bool> line = seen.AsSpan((row * Length + query) * Length, query + 1);
                for (int key = 0; key < line.Length; key++) line[key] = segment[key] == segment[query];
            }
        }

        return Tensor.From<bool>(seen, [Rows, 1, Length, Length], device);
    }
}
