using System.Runtime.Intrinsics;

namespace Engine.Tensors;

/// <summary>
/// The CPU: SIMD kernels on a team of threads. One file a family of operations; each method picks the element type and the
/// vector width, hands pointers to its kernel, and keeps its tensors alive until the kernel is done.
/// </summary>
public sealed unsafe partial class CpuBackend : Backend
{
    readonly MemoryPool pool = new();

    /// <inheritdoc/>
    public override string Description =>
        $"{Environment.ProcessorCount} processors, {(Vector512.IsHardwareAccelerated ? "AVX-512" : Vector256.IsHardwareAccelerated ? "AVX2" : Vector128.IsHardwareAccelerated ? "128-bit SIMD" : "no SIMD")}";

    /// <inheritdoc/>
    public override MemoryUse Memory => pool.Use;

    /// <inheritdoc/>
    public override void ResetPeakMemory() => pool.ResetPeak();

    /// <inheritdoc/>
    public override Storage Allocate(long bytes) => pool.Rent(bytes);

    /// <inheritdoc/>
    public override Storage? Borrow(nint address, long bytes, IDisposable owner)
    {
        ArgumentNullException.ThrowIfNull(owner);
        return new CpuStorage(null, (byte*)address, bytes, bytes, owner);
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> source, Storage target, long offset)
    {
        target.CheckWritable("Write");
        CpuStorage storage = Check(target, offset, source.Length);
        source.CopyTo(new Span<byte>(storage.Pointer + offset, source.Length));
        GC.KeepAlive(storage);
    }

    /// <inheritdoc/>
    public override void Read(Storage source, long offset, Span<byte> target)
    {
        CpuStorage storage = Check(source, offset, target.Length);
        new ReadOnlySpan<byte>(storage.Pointer + offset, target.Length).CopyTo(target);
        GC.KeepAlive(storage);
    }

    /// <inheritdoc/>
    public override void Synchronize()
    {
        // Nothing is queued: every kernel is done when its method returns.
    }

    /// <summary>Gives memory that no tensor holds back to the operating system; the next step asks for it again.</summary>
    public void Trim() => pool.Trim();

    static CpuStorage Check(Storage storage, long offset, long length)
    {
        storage.CheckUsable();
        if (offset < 0 || offset + length > storage.Bytes)
            throw new ShapeException($"Bytes {offset}..{offset + length} lie outside a storage of {storage.Bytes} bytes.");
        return (CpuStorage)storage;
    }

    /// <summary>The first element of a tensor of any type.</summary>
    internal static byte* Pointer(Tensor tensor)
    {
        tensor.Storage.CheckUsable();
        return ((CpuStorage)tensor.Storage).Pointer + tensor.Offset * tensor.DType.Size();
    }

    internal static T* Pointer<T>(Tensor tensor) where T : unmanaged
    {
        tensor.Storage.CheckUsable();
        return (T*)((CpuStorage)tensor.Storage).Pointer + tensor.Offset;
    }
}
