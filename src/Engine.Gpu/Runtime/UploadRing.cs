using ILGPU;
using ILGPU.Runtime;

namespace Engine.Gpu;

/// <summary>
/// Host memory, page-locked where the device can, that copies to the device start from: the caller goes on at once, and the
/// copy overlaps what the device computes. The host waits only when it has gone once around the ring.
/// </summary>
sealed class UploadRing(Accelerator accelerator, AcceleratorStream stream)
{
    const int Size = 32 << 20;
    const int Alignment = 256;

    readonly Lock gate = new();
    PageLockedArray1D<byte>? ring;
    int next;

    /// <summary>Queues the copy of host memory to the device.</summary>
    public void Write(ReadOnlySpan<byte> source, ArrayView<byte> target)
    {
        lock (gate)
        {
            ring ??= accelerator.AllocatePageLocked1D<byte>(Size);
            for (int done = 0; done < source.Length;)
            {
                int length = Math.Min(source.Length - done, Size);
                if (length > Size - next)
                {
                    stream.Synchronize();
                    next = 0;
                }

                source.Slice(done, length).CopyTo(ring.Span.Slice(next, length));
                target.SubView(done, length).CopyFromCPUUnsafeAsync(stream, ref ring.Span[next], length);
                next = Math.Min(Size, (next + length + Alignment - 1) / Alignment * Alignment);
                done += length;
            }
        }
    }
}
