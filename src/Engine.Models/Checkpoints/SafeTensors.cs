using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Engine.Tensors;
using Microsoft.Win32.SafeHandles;

namespace Engine.Models;

/// <summary>
/// A safetensors file, open for reading through a read-only memory map: nothing is read until it is looked at, and what
/// is looked at is not copied. The header is checked as strictly as the reference reader checks it. Any number of threads
/// may read at once.
/// </summary>
/// <remarks>
/// Spans and pointers handed out lie in the map: they are valid until <see cref="Dispose"/>, and reading them afterwards
/// crashes the process, as does a file that another process cuts short meanwhile (replacing it by a rename, as
/// <see cref="Create(string, Action{SafeTensorsWriter}, IEnumerable{KeyValuePair{string, string}}, TensorOrder)"/> does, is safe).
/// Without Dispose the map stays until the process ends; the garbage collector never takes it away under a span.
/// Tensors from <see cref="Map"/> are safe: the map outlives Dispose until the last of them is released or collected. A file that
/// is deleted or replaced by a rename meanwhile stays readable through its map.
/// </remarks>
public sealed unsafe class SafeTensors : IDisposable
{
    const int CopyChunk = 1 << 26;

    readonly MemoryMappedFile map;
    readonly MemoryMappedViewAccessor view;
    readonly SafeTensorsHeader header;
    readonly Lock gate = new();
    byte* data;                             // the first byte after the header; null once unmapped
    int leases;                             // tensors that look at the map
    bool disposed;

    SafeTensors(string path, SafeTensorsHeader header, MemoryMappedFile map)
    {
        (FilePath, this.header, this.map) = (path, header, map);
        view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        data = start + view.PointerOffset + header.DataStart;
    }

    /// <summary>The file, as it was named to <see cref="Open"/>.</summary>
    public string FilePath { get; }

    /// <summary>The tensors by name; enumerates in the order of their data.</summary>
    public IReadOnlyDictionary<string, SafeTensorItem> Items => header.Items;

    /// <summary>The file's own texts (<c>__metadata__</c>) in the order of the file; empty where it has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => header.Metadata;

    /// <summary>Opens a file and checks its header. Needs read access only.</summary>
    /// <exception cref="CheckpointException">
    /// There is no such file, it may not be read, or it breaks a rule of the format. Pickles (.bin, .pt) are refused with
    /// a word on converting them.
    /// </exception>
    public static SafeTensors Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("Safetensors files are little-endian and this machine is not.");
        if (Directory.Exists(path))
            throw new CheckpointException(path, $"is a folder, not a safetensors file; open a folder with {nameof(ShardedSafeTensors)}");

        SafeFileHandle? file = null;
        MemoryMappedFile? map = null;
        try
        {
            file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            SafeTensorsHeader header = SafeTensorsHeader.Read(file, path);
            map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            return new SafeTensors(path, header, map);
        }
        catch (Exception e)
        {
            map?.Dispose();
            file?.Dispose();
            if (e is IOException or UnauthorizedAccessException or NotSupportedException)
                throw new CheckpointException(path, $"cannot be opened: {e.Message}", innerException: e);
            throw;
        }
    }

    /// <summary>Writes a file from a list of its tensors: the way for large checkpoints, since every byte goes straight to its place.</summary>
    /// <param name="path">Replaced in one step once the new file is whole and on disk; until then an old file stays as it is.</param>
    /// <param name="items">Every tensor to come; offsets are ignored, so another file's items will do.</param>
    /// <param name="write">Writes each tensor once, in any order; whatever it throws passes through and leaves the old file.</param>
    /// <param name="metadata">The file's own texts, written in this order; null for none.</param>
    /// <param name="order">How the tensors lie in the file.</param>
    /// <exception cref="CheckpointException">
    /// A name occurs twice, a tensor differs from the list or was not written, or the file cannot be written (disk full,
    /// no access, no such folder).
    /// </exception>
    public static void Create(
        string path, IEnumerable<SafeTensorItem> items, Action<SafeTensorsWriter> write,
        IEnumerable<KeyValuePair<string, string>>? metadata = null, TensorOrder order = TensorOrder.AsGiven) =>
        SafeTensorsWriter.Create(path, items, write, metadata, order);

    /// <summary>
    /// Writes a file without a list of its tensors: each is defined as it is written. The header comes first in the format
    /// but is known last here, so the data wait in a temporary file beside <paramref name="path"/>: twice the disk space
    /// and writing, still little memory.
    /// </summary>
    /// <param name="path">Replaced in one step once the new file is whole and on disk; until then an old file stays as it is.</param>
    /// <param name="write">Writes the tensors; whatever it throws passes through and leaves the old file.</param>
    /// <param name="metadata">The file's own texts, written in this order; null for none.</param>
    /// <param name="order">How the tensors lie in the file; <see cref="TensorOrder.AsGiven"/> is the order of the calls.</param>
    /// <exception cref="CheckpointException">
    /// A name occurs twice, data differ from the shape, or the file cannot be written (disk full, no access, no such folder).
    /// </exception>
    public static void Create(
        string path, Action<SafeTensorsWriter> write,
        IEnumerable<KeyValuePair<string, string>>? metadata = null, TensorOrder order = TensorOrder.AsGiven) =>
        SafeTensorsWriter.Create(path, null, write, metadata, order);

    /// <summary>The tensor's bytes, uncopied.</summary>
    /// <exception cref="CheckpointException">
    /// No such tensor, or it passes the 2 GB of a span: read it in parts, as a wider type, or by <see cref="CopyTo"/>.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public ReadOnlySpan<byte> Read(string name)
    {
        byte* bytes = DataPointer(name, out long length);
        return length <= int.MaxValue
            ? new ReadOnlySpan<byte>(bytes, (int)length)
            : throw new CheckpointException(FilePath, $"{length} bytes are more than one span holds; read it in parts or with CopyTo", name);
    }

    /// <summary>A part of the tensor's bytes, uncopied: the way to walk through tensors of more than 2 GB.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="byteOffset">From the tensor's first byte.</param>
    /// <param name="byteLength">How many bytes.</param>
    /// <exception cref="CheckpointException">No such tensor.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The part leaves the tensor.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public ReadOnlySpan<byte> Read(string name, long byteOffset, int byteLength)
    {
        byte* bytes = DataPointer(name, out long length);
        ArgumentOutOfRangeException.ThrowIfNegative(byteLength);
        ArgumentOutOfRangeException.ThrowIfNegative(byteOffset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(byteOffset, length - byteLength);
        return new ReadOnlySpan<byte>(bytes + byteOffset, byteLength);
    }

    /// <summary>
    /// The tensor's elements in row-major order. Uncopied where the data lie aligned for <typeparamref name="T"/>, as in
    /// every file whose header is padded to 8 bytes and whose types are sorted (the reference writer's, and ours); else a
    /// copy, since vector code and native code may count on alignment.
    /// </summary>
    /// <typeparam name="T">A type that <see cref="SafeTensorTypes.Holds{T}"/> the tensor's: float for F32, ushort for BF16, ...</typeparam>
    /// <exception cref="CheckpointException">
    /// No such tensor, its type is another, it has more than 2^31 - 1 elements, or a boolean is neither 0 nor 1.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public ReadOnlySpan<T> Read<T>(string name) where T : unmanaged
    {
        byte* bytes = DataPointer(name, out long length);
        SafeTensorType type = Items[name].Type;
        if (!type.Holds<T>())
            throw new CheckpointException(FilePath, $"it is {type.Name()}, which cannot be read as {typeof(T).Name}; read it as the type of that meaning or as bytes", name);
        if (length / sizeof(T) > int.MaxValue)
            throw new CheckpointException(FilePath, $"{length / sizeof(T)} elements are more than one span holds; read it in parts or with CopyTo", name);
        int count = (int)(length / sizeof(T));
        if (typeof(T) == typeof(bool) && new ReadOnlySpan<byte>(bytes, count).ContainsAnyExceptInRange((byte)0, (byte)1))
            throw new CheckpointException(FilePath, "a boolean is neither 0 nor 1; read it as byte", name);

        if ((nuint)bytes % (nuint)sizeof(T) == 0)
            return new ReadOnlySpan<T>(bytes, count);
        T[] copy = GC.AllocateUninitializedArray<T>(count);
        fixed (T* target = copy)
            NativeMemory.Copy(bytes, target, (nuint)length);
        return copy;
    }

    /// <summary>Writes the tensor's bytes, of any length, to a stream.</summary>
    /// <exception cref="CheckpointException">No such tensor.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public void CopyTo(string name, Stream destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        byte* bytes = DataPointer(name, out long length);
        for (long done = 0; done < length; done += CopyChunk)
            destination.Write(new ReadOnlySpan<byte>(bytes + done, (int)Math.Min(CopyChunk, length - done)));
    }

    /// <summary>
    /// The tensor's first byte in the map, for libraries that wrap it without a copy. Read-only: writing to it crashes
    /// the process. Valid until <see cref="Dispose"/>; not null, even for a tensor without elements; aligned as the file has it.
    /// </summary>
    /// <exception cref="CheckpointException">No such tensor.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public byte* DataPointer(string name, out long byteLength)
    {
        ArgumentNullException.ThrowIfNull(name);
        ObjectDisposedException.ThrowIf(disposed, this);
        if (!header.Items.TryGetValue(name, out SafeTensorItem? item))
            throw new CheckpointException(FilePath, NotFound.Among(header.Items.Values, name), name);
        byteLength = item.ByteLength;
        return data + item.ByteOffset;
    }

    /// <summary>
    /// The tensor as one of the engine's, read-only, without a copy: its elements are read from the file as they are used, and
    /// given back to the operating system when memory is short. It keeps the file mapped, beyond <see cref="Dispose"/> too, until its
    /// storage is released (by <see cref="Tensor.Release"/> or its step scope) or the garbage collector finds it.
    /// </summary>
    /// <param name="name">A tensor of F32, F64, F16, BF16, I64 or I32.</param>
    /// <param name="device">Where it is computed on, the default device if null; one that does not compute on host memory gets a copy.</param>
    /// <exception cref="CheckpointException">No such tensor, or one of another type, or an axis is longer than 2^31 - 1.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public Tensor Map(string name, Device? device = null)
    {
        byte* bytes = DataPointer(name, out _);
        SafeTensorItem item = Items[name];
        DType type = item.Type switch
        {
            SafeTensorType.F32 => DType.Float32,
            SafeTensorType.F64 => DType.Float64,
            SafeTensorType.F16 => DType.Float16,
            SafeTensorType.BF16 => DType.BFloat16,
            SafeTensorType.I64 => DType.Int64,
            SafeTensorType.I32 => DType.Int32,
            _ => throw new CheckpointException(FilePath, $"{item.Type.Name()} found; tensors are of F32, F64, F16, BF16, I64 or I32", name),
        };
        int[] shape = new int[item.Shape.Length];
        for (int axis = 0; axis < shape.Length; axis++)
        {
            if (item.Shape[axis] > int.MaxValue)
                throw new CheckpointException(FilePath, $"axis {axis} of {SafeTensorItem.Describe(item.Type, item.Shape)} is longer than {int.MaxValue}", name);
            shape[axis] = (int)item.Shape[axis];
        }

        return Tensor.Borrow((nint)bytes, Shape.Create(shape), type, new Lease(this), device);
    }

    /// <summary>
    /// Unmaps the file, at once or when the last tensor from <see cref="Map"/> is gone. Spans and pointers from it must not be used
    /// any more; the items and the metadata may.
    /// </summary>
    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            if (leases > 0 || data == null)
                return;
            data = null;
        }

        Unmap();
    }

    void Return()
    {
        lock (gate)
        {
            if (--leases > 0 || !disposed || data == null)
                return;
            data = null;
        }

        Unmap();
    }

    void Unmap()
    {
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        map.Dispose();
    }

    // What a tensor holds on to; disposed once, by its storage.
    sealed class Lease : IDisposable
    {
        readonly SafeTensors file;

        public Lease(SafeTensors file)
        {
            this.file = file;
            lock (file.gate) file.leases++;
        }

        public void Dispose() => file.Return();
    }
}
