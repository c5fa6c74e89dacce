using System.Runtime.InteropServices;

namespace Engine.Models;

/// <summary>Takes the tensors of a safetensors file that <c>SafeTensors.Create</c> is writing; holds none of them in memory.</summary>
public sealed class SafeTensorsWriter
{
    const int CopyChunk = 1 << 20;

    readonly string path;
    readonly PendingFile file;
    readonly OrderedDictionary<string, SafeTensorItem>? plan;       // null: tensors are defined as they come
    readonly OrderedDictionary<string, SafeTensorItem> written = [];
    readonly long dataStart;
    byte[]? buffer;
    long end;                                                       // without a plan: where the next tensor goes

    SafeTensorsWriter(string path, PendingFile file, OrderedDictionary<string, SafeTensorItem>? plan, long dataStart) =>
        (this.path, this.file, this.plan, this.dataStart) = (path, file, plan, dataStart);

    /// <summary>Writes a tensor from its elements, in row-major order.</summary>
    /// <param name="name">Any text but <c>__metadata__</c>.</param>
    /// <param name="shape">Sizes; empty for a scalar.</param>
    /// <param name="elements">As many as the shape says.</param>
    /// <typeparam name="T">Decides the type in the file: float is F32, Half F16, ushort U16, bool BOOL, ...</typeparam>
    /// <exception cref="CheckpointException">
    /// Shape and data disagree, the tensor is not the one in the list of items, it was written before, or the disk is full.
    /// </exception>
    public void Write<T>(string name, ReadOnlySpan<long> shape, ReadOnlySpan<T> elements) where T : unmanaged =>
        Write(name, SafeTensorTypes.Of<T>(), shape, elements);

    /// <summary>Writes a tensor from its elements with the type named, as BF16 from ushort needs it.</summary>
    /// <param name="name">Any text but <c>__metadata__</c>.</param>
    /// <param name="type">The type in the file. Elements that it does not hold are refused, except that bytes are taken for any type.</param>
    /// <param name="shape">Sizes; empty for a scalar.</param>
    /// <param name="elements">As many as the shape says; or all bytes.</param>
    /// <exception cref="CheckpointException">
    /// Shape, type and data disagree, the tensor is not the one in the list of items, it was written before, or the disk is full.
    /// </exception>
    public void Write<T>(string name, SafeTensorType type, ReadOnlySpan<long> shape, ReadOnlySpan<T> elements) where T : unmanaged
    {
        if (typeof(T) != typeof(byte) && !type.Holds<T>())
            throw new CheckpointException(path, $"{typeof(T).Name} elements cannot be written as {type.Name()}; give the type of that meaning or bytes", name);
        Write(name, type, shape, MemoryMarshal.AsBytes(elements));
    }

    /// <summary>Writes a tensor from its bytes: row-major, little-endian.</summary>
    /// <param name="name">Any text but <c>__metadata__</c>.</param>
    /// <param name="type">Element type.</param>
    /// <param name="shape">Sizes; empty for a scalar.</param>
    /// <param name="data">Exactly the bytes that shape and type take.</param>
    /// <exception cref="CheckpointException">
    /// Shape and data disagree, the tensor is not the one in the list of items, it was written before, or the disk is full.
    /// </exception>
    public void Write(string name, SafeTensorType type, ReadOnlySpan<long> shape, ReadOnlySpan<byte> data)
    {
        SafeTensorItem item = Accept(name, type, shape);
        if (data.Length != item.ByteLength)
            throw new CheckpointException(path, $"{SafeTensorItem.Describe(type, shape)} takes {item.ByteLength} bytes, {data.Length} were given", name);
        file.Write(data, dataStart + item.ByteOffset);
        Done(item);
    }

    /// <summary>
    /// Writes a tensor of any length from a stream, such as an <see cref="UnmanagedMemoryStream"/> over more than 2 GB;
    /// reads as many bytes as shape and type take and no more.
    /// </summary>
    /// <param name="name">Any text but <c>__metadata__</c>.</param>
    /// <param name="type">Element type.</param>
    /// <param name="shape">Sizes; empty for a scalar.</param>
    /// <param name="data">Read from where it stands.</param>
    /// <exception cref="CheckpointException">
    /// The stream ends too early, the tensor is not the one in the list of items, it was written before, or the disk is full.
    /// </exception>
    public void Write(string name, SafeTensorType type, ReadOnlySpan<long> shape, Stream data)
    {
        ArgumentNullException.ThrowIfNull(data);
        SafeTensorItem item = Accept(name, type, shape);
        buffer ??= new byte[CopyChunk];
        for (long done = 0; done < item.ByteLength;)
        {
            int read = data.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, item.ByteLength - done)));
            if (read == 0)
                throw new CheckpointException(path, $"{SafeTensorItem.Describe(type, shape)} takes {item.ByteLength} bytes, the stream ended after {done}", name);
            file.Write(buffer.AsSpan(0, read), dataStart + item.ByteOffset + done);
            done += read;
        }
        Done(item);
    }

    /// <summary>Writes a tensor of any length from its bytes, part by part.</summary>
    internal void Write(string name, SafeTensorType type, ReadOnlySpan<long> shape, IEnumerable<byte[]> parts)
    {
        SafeTensorItem item = Accept(name, type, shape);
        long done = 0;
        foreach (byte[] part in parts)
        {
            file.Write(part, dataStart + item.ByteOffset + done);
            done += part.Length;
        }
        if (done != item.ByteLength)
            throw new CheckpointException(path, $"{SafeTensorItem.Describe(type, shape)} takes {item.ByteLength} bytes, {done} were given", name);
        Done(item);
    }

    internal static void Create(
        string path, IEnumerable<SafeTensorItem>? items, Action<SafeTensorsWriter> write,
        IEnumerable<KeyValuePair<string, string>>? metadata, TensorOrder order)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("Safetensors files are little-endian and this machine is not.");
        if (items is null)
            CreateAsTheyCome(path, write, metadata, order);
        else
            CreatePlanned(path, SafeTensorsLayout.Place(path, items, order), write, metadata);
    }

    static void CreatePlanned(
        string path, OrderedDictionary<string, SafeTensorItem> plan, Action<SafeTensorsWriter> write,
        IEnumerable<KeyValuePair<string, string>>? metadata)
    {
        byte[] header = SafeTensorsLayout.Header(path, plan.Values, metadata);
        using PendingFile file = new(path, header.Length + ByteLength(plan));
        file.Write(header, 0);
        SafeTensorsWriter writer = new(path, file, plan, header.Length);
        write(writer);
        foreach (string name in plan.Keys)
        {
            if (!writer.written.ContainsKey(name))
                throw new CheckpointException(path, "in the list of items but never written; a file of that name stays as it was", name);
        }
        file.Commit();
    }

    static void CreateAsTheyCome(
        string path, Action<SafeTensorsWriter> write, IEnumerable<KeyValuePair<string, string>>? metadata, TensorOrder order)
    {
        using PendingFile spool = new(path, 0);
        SafeTensorsWriter writer = new(path, spool, null, 0);
        write(writer);
        OrderedDictionary<string, SafeTensorItem> placed = SafeTensorsLayout.Place(path, writer.written.Values, order);
        byte[] header = SafeTensorsLayout.Header(path, placed.Values, metadata);
        using PendingFile file = new(path, header.Length + ByteLength(placed));
        file.Write(header, 0);
        foreach (SafeTensorItem item in placed.Values)
            file.Copy(spool, writer.written[item.Name].ByteOffset, item.ByteLength, header.Length + item.ByteOffset);
        file.Commit();
    }

    static long ByteLength(OrderedDictionary<string, SafeTensorItem> placed) =>
        placed.Count == 0 ? 0 : placed.GetAt(placed.Count - 1).Value is var last ? last.ByteOffset + last.ByteLength : 0;

    SafeTensorItem Accept(string name, SafeTensorType type, ReadOnlySpan<long> shape)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (written.ContainsKey(name))
            throw new CheckpointException(path, "written before; each tensor is written once", name);
        if (plan is null)
        {
            return SafeTensorItem.Measure(type, shape, out _, out _) is string problem
                ? throw new CheckpointException(path, problem, name)
                : new SafeTensorItem(name, type, shape).At(end);
        }
        if (!plan.TryGetValue(name, out SafeTensorItem? item))
            throw new CheckpointException(path, "not in the list of items that the file was created with", name);
        if (item.Type != type || !item.Shape.SequenceEqual(shape))
            throw new CheckpointException(path, $"the list of items says {SafeTensorItem.Describe(item.Type, item.Shape)}, written is {SafeTensorItem.Describe(type, shape)}", name);
        return item;
    }

    void Done(SafeTensorItem item)
    {
        written.Add(item.Name, item);
        end += item.ByteLength;
    }
}
