using Engine.Tensors;

namespace Engine.Models;

/// <summary>
/// Keys and values of the tokens that a LLaMA has seen, so that the next one costs one step and not the whole sequence
/// again. Room is taken ahead and doubled when it is full, up to the model's context.
/// </summary>
/// <remarks>
/// Sequences of different lengths share a cache by padding in front: all end at the same place, and who begins later is
/// told by <see cref="Pad"/>. Rotary scores depend on distances alone, so the shift changes nothing but the last bits.
/// </remarks>
public sealed class KeyValueCache : IDisposable
{
    const int LeastCapacity = 64;

    readonly LlamaConfig config;
    readonly Device device;
    readonly DType dtype;
    readonly Tensor[] keys, values;             // a layer: [B, G, capacity, Dh]
    int[] padding;                              // B: how many tokens in front of each sequence are nobody's
    Tensor? seen;                               // [B, 1, 1, MaximumLength], bool; null where nobody is padded
    int dropped;                                // tokens that were in front of all of these and are gone

    /// <summary>An empty cache.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="batch">B: sequences side by side.</param>
    /// <param name="capacity">Tokens to take room for; more is taken when needed.</param>
    /// <param name="device">Where the model lies; null for the default device.</param>
    /// <param name="dtype">The type that the model computes in.</param>
    public KeyValueCache(LlamaConfig config, int batch = 1, int capacity = LeastCapacity, Device? device = null, DType dtype = DType.Float32)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batch);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        (this.config, this.device, this.dtype) = (config, device ?? Device.Default, dtype);
        (keys, values, padding) = (new Tensor[config.Depth], new Tensor[config.Depth], new int[batch]);
        Capacity = Math.Min(capacity, config.MaximumLength);
        using StepScope outside = StepScope.Outside();
        for (int layer = 0; layer < keys.Length; layer++) (keys[layer], values[layer]) = (Room(), Room());
    }

    /// <summary>B: sequences side by side.</summary>
    public int Batch => padding.Length;

    /// <summary>Tokens of each sequence so far, padding among them.</summary>
    public int Length { get; private set; }

    /// <summary>Tokens there is room for at present.</summary>
    public int Capacity { get; private set; }

    /// <summary>The model's context: what the cache may grow to.</summary>
    public int MaximumLength => config.MaximumLength;

    /// <summary>The rotary position of the next token: distances alone count, so what is dropped in front does not turn the others.</summary>
    internal int Position => dropped + Length;

    /// <summary>Tokens of a sequence so far, its padding not among them.</summary>
    /// <param name="row">The sequence.</param>
    public int LengthOf(int row) => Length - padding[row];

    Tensor Room() => Tensor.Empty([Batch, config.KeyValueHeads, Capacity, config.HeadSize], dtype, device);

    /// <summary>Says of an empty cache how many tokens in front of each sequence are padding, which nobody sees.</summary>
    /// <param name="padding">One count a sequence.</param>
    /// <exception cref="InvalidOperationException">The cache is not empty.</exception>
    /// <exception cref="ShapeException">There is not one count a sequence, or it is no length.</exception>
    public void Pad(params ReadOnlySpan<int> padding)
    {
        if (Length > 0) throw new InvalidOperationException($"Pad: the cache holds {Length} tokens already; clear it first.");
        if (padding.Length != Batch) throw new ShapeException($"Pad: {padding.Length} counts given for {Batch} sequences.");
        for (int row = 0; row < Batch; row++)
            if (padding[row] < 0 || padding[row] >= MaximumLength)
                throw new ShapeException($"Pad: {padding[row]} tokens of padding for sequence {row}; 0 to {MaximumLength - 1} are possible.");
        SetPadding([.. padding]);
    }

    void SetPadding(int[] counts)
    {
        padding = counts;
        seen?.Release();
        seen = null;
        if (!counts.ContainsAnyExcept(0)) return;
        bool[] visible = new bool[(long)Batch * MaximumLength];
        for (int row = 0; row < Batch; row++) visible.AsSpan(row * MaximumLength + counts[row], MaximumLength - counts[row]).Fill(true);
        using StepScope outside = StepScope.Outside();
        seen = Tensor.From(visible, [Batch, 1, 1, MaximumLength], device);
    }

    /// <summary>
    /// Goes on with some of the sequences alone: those that are done cost nothing any more. Padding that all the others have in
    /// front goes too, which leaves them the room of their whole context.
    /// </summary>
    /// <param name="rows">Which, in their new order.</param>
    /// <exception cref="ShapeException">There is none, or no such sequence.</exception>
    public void Keep(params ReadOnlySpan<int> rows)
    {
        if (rows.Length == 0) throw new ShapeException("Keep: no sequence is left; dispose the cache instead.");
        int[] kept = new int[rows.Length];
        for (int i = 0; i < rows.Length; i++)
            kept[i] = rows[i] >= 0 && rows[i] < Batch ? padding[rows[i]] : throw new ShapeException($"Keep: there is no sequence {rows[i]}; there are {Batch}.");
        int common = Math.Min(kept.Min(), Length);
        for (int i = 0; i < kept.Length; i++) kept[i] -= common;
        SetPadding(kept);
        using StepScope outside = StepScope.Outside();
        for (int layer = 0; layer < keys.Length; layer++)
        {
            keys[layer] = Chosen(keys[layer], rows, common);
            values[layer] = Chosen(values[layer], rows, common);
        }

        dropped += common;
        Length -= common;
    }

    Tensor Chosen(Tensor old, ReadOnlySpan<int> rows, int first)
    {
        Tensor room = Room();
        if (Length > first)
            for (int i = 0; i < rows.Length; i++)
                room.Slice(0, i, i + 1).Slice(2, 0, Length - first).CopyFrom(old.Slice(0, rows[i], rows[i] + 1).Slice(2, first, Length));
        old.Release();
        return room;
    }

    /// <summary>Forgets all but the first tokens: to go on from a beginning that several texts share.</summary>
    /// <param name="length">How many to keep; 0 empties the cache, padding and all.</param>
    public void Truncate(int length = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
        if (length > 0) return;
        dropped = 0;
        SetPadding(new int[Batch]);
    }

    /// <summary>Makes room for more tokens.</summary>
    /// <returns>Who is seen, [B, 1, 1, Length + count], or null for all.</returns>
    /// <exception cref="ShapeException">The context is not that long, or the tokens are of another number of sequences.</exception>
    internal Tensor? Reserve(int batch, int count)
    {
        if (batch != Batch) throw new ShapeException($"Llama: tokens of {batch} sequences are given, the cache holds {Batch}.");
        if (Length + count > MaximumLength)
            throw new ShapeException($"Llama: {Length} tokens so far and {count} more are longer than the model's context of {MaximumLength}; shorten the prompt or ask for fewer tokens.");
        if (Length + count > Capacity) Grow(Length + count);
        return seen?.Slice(3, 0, Length + count);
    }

    void Grow(int least)
    {
        Capacity = (int)Math.Min(Math.Max(least, 2L * Capacity), MaximumLength);
        using StepScope outside = StepScope.Outside();
        for (int layer = 0; layer < keys.Length; layer++)
        {
            keys[layer] = Moved(keys[layer]);
            values[layer] = Moved(values[layer]);
        }
    }

    Tensor Moved(Tensor old)
    {
        Tensor room = Room();
        if (Length > 0) room.Slice(2, 0, Length).CopyFrom(old.Slice(2, 0, Length));
        old.Release();
        return room;
    }

    /// <summary>Writes a layer's keys and values of new tokens [B, G, N, Dh] after what is there.</summary>
    /// <returns>All, [B, G, Length + N, Dh], views of the cache.</returns>
    internal (Tensor Keys, Tensor Values) Append(int layer, Tensor key, Tensor value)
    {
        int end = Length + key.Shape[2];
        keys[layer].Slice(2, Length, end).CopyFrom(key);
        values[layer].Slice(2, Length, end).CopyFrom(value);
        return (keys[layer].Slice(2, 0, end), values[layer].Slice(2, 0, end));
    }

    /// <summary>The tokens that all layers have now added count.</summary>
    internal void Advance(int count) => Length += count;

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        foreach (Tensor room in keys) room.Release();
        foreach (Tensor room in values) room.Release();
        seen?.Release();
        seen = null;
    }
}
