using Engine.Tensors;

namespace Engine.Gpu;

/// <summary>
/// A GPU, or whatever else OpenCL finds: kernels in C# that ILGPU compiles for the device. One file a family of
/// operations; each method lays out its tensors as a kernel's arguments and queues the launch. Nothing is computed on the
/// host. The device is opened with the first call.
/// </summary>
sealed partial class GpuBackend(GpuDeviceInfo info, Func<GpuRuntime> open) : Engine.Tensors.Backend
{
    readonly Lazy<GpuRuntime> opened = new(open);

    /// <summary>The opened device.</summary>
    internal GpuRuntime Runtime => opened.Value;

    /// <inheritdoc/>
    public override string Description => info.Description;

    /// <inheritdoc/>
    public override MemoryUse Memory => opened.IsValueCreated ? Runtime.Memory.Use : default;

    /// <inheritdoc/>
    public override void ResetPeakMemory()
    {
        if (opened.IsValueCreated) Runtime.Memory.ResetPeak();
    }

    /// <inheritdoc/>
    public override Storage Allocate(long bytes) => Runtime.Memory.Rent(bytes);

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> source, Storage target, long offset)
    {
        target.CheckWritable("Write");
        if (source.IsEmpty) return;
        Runtime.Write(source, Check(target, offset, source.Length), offset);
        GC.KeepAlive(target);
    }

    /// <inheritdoc/>
    public override void Read(Storage source, long offset, Span<byte> target)
    {
        GpuStorage storage = Check(source, offset, target.Length);
        if (!target.IsEmpty) Runtime.Read(storage, offset, target);
        GC.KeepAlive(storage);
    }

    /// <inheritdoc/>
    public override void Synchronize()
    {
        if (opened.IsValueCreated) Runtime.Synchronize();
    }

    static GpuStorage Check(Storage storage, long offset, long length)
    {
        storage.CheckUsable();
        if (offset < 0 || offset + length > storage.Bytes)
            throw new ShapeException($"Bytes {offset}..{offset + length} lie outside a storage of {storage.Bytes} bytes.");
        return (GpuStorage)storage;
    }
}
