using Engine.Tensors;
using ILGPU.Runtime;

namespace Engine.Gpu;

/// <summary>A block of a device's memory, out of its pool.</summary>
sealed class GpuStorage(GpuMemoryPool pool, MemoryBuffer block, long bytes) : Storage(bytes)
{
    /// <summary>The block, at least <see cref="Storage.Bytes"/> long and aligned to 256 bytes.</summary>
    public MemoryBuffer Block { get; } = block;

    /// <inheritdoc/>
    protected override void Free() => pool.Return(Block);
}
