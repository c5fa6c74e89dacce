namespace Engine.Tensors;

/// <summary>Native memory of the CPU's pool, or lent by an owner: then it is read-only, and the owner is disposed when it is given back.</summary>
sealed unsafe class CpuStorage(MemoryPool? pool, byte* pointer, long bytes, long capacity, IDisposable? owner = null) : Storage(bytes), IHostVisible
{
    /// <summary>The first byte; in the pool aligned to 64, lent as it comes.</summary>
    public byte* Pointer { get; } = pointer;

    /// <summary>The size of the block in the pool, at least <see cref="Storage.Bytes"/>.</summary>
    public long Capacity { get; } = capacity;

    /// <inheritdoc/>
    public override bool IsReadOnly => owner is not null;

    Span<byte> IHostVisible.Bytes => new(Pointer, (int)Math.Min(Bytes, int.MaxValue));

    /// <inheritdoc/>
    protected override void Free()
    {
        owner?.Dispose();
        pool?.Return(Pointer, Capacity);
    }
}
