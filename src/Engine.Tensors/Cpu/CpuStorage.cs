namespace Engine.Tensors;

/// <summary>Native memory of the CPU's pool.</summary>
sealed unsafe class CpuStorage(MemoryPool pool, byte* pointer, long bytes, long capacity) : Storage(bytes), IHostVisible
{
    /// <summary>The first byte, aligned to 64.</summary>
    public byte* Pointer { get; } = pointer;

    /// <summary>The size of the block in the pool, at least <see cref="Storage.Bytes"/>.</summary>
    public long Capacity { get; } = capacity;

    Span<byte> IHostVisible.Bytes => new(Pointer, (int)Math.Min(Bytes, int.MaxValue));

    /// <inheritdoc/>
    protected override void Free() => pool.Return(Pointer, Capacity);
}
