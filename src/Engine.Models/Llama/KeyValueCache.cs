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
    Tensor? seen;                               // [B, 1, 1, MaximumLength], bool; null where nobody is padded

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
        (this.config, this.device, this.dtype, Batch) = (config, device ?? Device.Default, dtype, batch);
        (keys, values) = (new Tensor[config.Depth], new Tensor[config.Depth]);
        Capacity = Math.Min(capacity, config.MaximumLength);
        using StepScope outside = StepScope.Outside();
        for (int layer = 0; layer < keys.Length; layer++) (keys[layer], values[layer]) = (Room(), Room());
    }

    /// <summary>B: sequences side by side.</summary>
    public int Batch { get; }

    /// <summary>Tokens of each sequence so far, padding among them.</summary>
    public int Length { get; private set; }

    /// <summary>Tokens there is room for at present.</summary>
    public int Capacity { get; private set; }

    /// <summary>The model's context: what the cache may grow to.</summary>
    public int MaximumLength => config.MaximumLength;

    Tensor Room() => Tensor.Empty([Batch, config.KeyValueHeads, Capacity, config.HeadSize], dtype, device);

    /// <summary>Says of an empty cache how many tokens in front of each sequence are padding, which nobody sees.</summary>
    /// <param name="padding">One count a sequence.</param>
    /// <exception cref="InvalidOperationException">The cache is not empty.</exception>
    /// <exception cref="ShapeException">There is not one count a sequence, or it is no length.</exception>
    public void Pad(params ReadOnlySpan<int> padding)
    {
        if (Length > 0) throw new InvalidOperationException($"Pad: the cache holds {Length} tokens already; clear it first.");
        if (padding.Length != Batch) throw new ShapeException($"Pad: {padding.Length} counts given for {Batch} sequences.");
        bool[] visible = new bool[(long)Batch * MaximumLength];
        for (int row = 0; row < Batch; row++)
        {
            if (padding[row] < 0 || padding[row] >= MaximumLength)
                throw new ShapeException($"Pad: {padding[row]} tokens of padding for sequence {row}; 0 to {MaximumLength - 1} are possible.");
            visible.AsSpan(row * MaximumLength + padding[row], MaximumLength - padding[row]).Fill(true);
        }

        seen?.Release();
        seen = null;
        if (!padding.ContainsAnyExcept(0)) return;
        using StepScope outside = StepScope.Outside();
        seen = Tensor.From(visible, [Batch, 1, 1, MaximumLength], device);
    }

    /// <summary>Forgets all but the first tokens: to go on from a beginning that several texts share.</summary>
    /// <param name="length">How many to keep; 0 empties the cache, padding and all.</param>
    public void Truncate(int length = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
        if (length > 0) return;
        seen?.Release();
        seen = null;
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
