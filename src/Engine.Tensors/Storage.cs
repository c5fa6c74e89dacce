using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>
/// A piece of a device's memory that one or more tensors look at. It goes back to the device's pool when its
/// <see cref="StepScope"/> ends, when backward has consumed it, when <see cref="Release"/> is called, or, if all that was
/// forgotten, when the garbage collector finds it.
/// </summary>
public abstract class Storage
{
    int released;

    /// <summary>A storage of the given size.</summary>
    protected Storage(long bytes) => Bytes = bytes;

    /// <summary>The usable size in bytes.</summary>
    public long Bytes { get; }

    /// <summary>Where the memory lies.</summary>
    public Device Device { get; internal set; } = null!;

    /// <summary>
    /// True for memory that is only lent, such as a mapped file: whatever would write to it throws. <see cref="Release"/> gives
    /// it back to its owner instead of a pool.
    /// </summary>
    public virtual bool IsReadOnly => false;

    /// <summary>True once the memory went back; any further use throws.</summary>
    public bool IsReleased => released != 0;

    /// <summary>The scope that will release this storage, or null: then nobody but the collector does.</summary>
    internal StepScope? Scope { get; set; }

    /// <summary>Pending gradients that point here while backward runs; see Engine.Autograd.</summary>
    internal int Holds { get; set; }

    /// <summary>Gives the memory back to the pool, at once. A second call does nothing.</summary>
    public void Release()
    {
        if (Interlocked.Exchange(ref released, 1) != 0) return;
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>Returns the memory to the pool; called once, possibly from the finalizer's thread.</summary>
    protected abstract void Free();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void CheckUsable()
    {
        if (released != 0) ThrowReleased();
    }

    /// <summary>What entry points demand of a tensor that they are to write to.</summary>
    /// <exception cref="DeviceException">The memory is only lent.</exception>
    internal void CheckWritable(string operation)
    {
        CheckUsable();
        if (IsReadOnly)
            throw new DeviceException($"{operation}: the tensor lies in memory that is only lent for reading, such as a mapped checkpoint; write to a copy (Clone), or load the model with its weights in Float32.");
    }

    static void ThrowReleased() => throw new ReleasedException(
        "A tensor was used after its memory went back to the pool: its step scope has ended or backward has consumed it. " +
        "Call Keep on what must outlive the scope, or read it before Backward.");

    /// <summary>Returns forgotten memory.</summary>
    ~Storage()
    {
        if (Interlocked.Exchange(ref released, 1) == 0) Free();
    }
}
