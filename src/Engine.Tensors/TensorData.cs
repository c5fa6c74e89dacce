using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Engine.Tensors;

/// <summary>How elements get in and out.</summary>
public sealed partial class Tensor
{
    /// <summary>A dense tensor whose elements are not set.</summary>
    public static Tensor Empty(Shape shape, DType dtype = DType.Float32, Device? device = null)
    {
        Storage storage = (device ?? Device.Default).Allocate(shape.ElementCount * dtype.Size());
        return new(storage, dtype, shape, shape.DenseStrides(), 0);
    }

    /// <summary>A dense tensor of zeros.</summary>
    public static Tensor Zeros(Shape shape, DType dtype = DType.Float32, Device? device = null) => Full(shape, 0, dtype, device);

    /// <summary>A dense tensor of ones.</summary>
    public static Tensor Ones(Shape shape, DType dtype = DType.Float32, Device? device = null) => Full(shape, 1, dtype, device);

    /// <summary>A dense tensor with one value everywhere.</summary>
    public static Tensor Full(Shape shape, double value, DType dtype = DType.Float32, Device? device = null)
    {
        Tensor result = Empty(shape, dtype, device);
        if (result.ElementCount > 0) result.Backend.Fill(value, result);
        return result;
    }

    /// <summary>An unset dense tensor on this tensor's device.</summary>
    public Tensor EmptyLike(Shape? shape = null, DType? dtype = null) => Empty(shape ?? Shape, dtype ?? DType, Device);

    /// <summary>A copy of managed elements in row-major order; the element type follows T (see <see cref="DTypes.Of{T}"/>).</summary>
    /// <exception cref="ShapeException">The span is not as long as the shape says.</exception>
    public static Tensor From<T>(ReadOnlySpan<T> elements, Shape shape, Device? device = null) where T : unmanaged
    {
        if (elements.Length != shape.ElementCount)
            throw new ShapeException($"From: {elements.Length} elements given for shape {shape}, which has {shape.ElementCount}.");
        Tensor result = Empty(shape, DTypes.Of<T>(), device);
        result.Backend.Write(MemoryMarshal.AsBytes(elements), result.Storage, 0);
        return result;
    }

    /// <inheritdoc cref="From{T}(ReadOnlySpan{T}, Shape, Device?)"/>
    public static Tensor From<T>(T[] elements, Shape shape, Device? device = null) where T : unmanaged =>
        From<T>(elements.AsSpan(), shape, device);

    /// <summary>A copy of a managed tensor.</summary>
    public static Tensor From<T>(in ReadOnlyTensorSpan<T> elements, Device? device = null) where T : unmanaged
    {
        T[] flat = new T[elements.FlattenedLength];
        elements.FlattenTo(flat);
        int[] shape = new int[elements.Rank];
        for (int axis = 0; axis < shape.Length; axis++) shape[axis] = checked((int)elements.Lengths[axis]);
        return From<T>(flat, Shape.Create(shape), device);
    }

    /// <summary>
    /// A dense read-only tensor over memory that somebody else owns, such as a mapped file: nothing is copied, what would write to it
    /// throws. A device that cannot compute on host memory gets a copy.
    /// </summary>
    /// <param name="address">The first element. Kernels ask for no alignment.</param>
    /// <param name="shape">The extents.</param>
    /// <param name="dtype">The element type.</param>
    /// <param name="owner">
    /// Keeps the memory alive. It is disposed once, when the tensor's storage is released, by its step scope, by
    /// <see cref="Release"/>, or by the garbage collector (then on the finalizer's thread).
    /// </param>
    /// <param name="device">Where it is computed on; the default device if null.</param>
    public static unsafe Tensor Borrow(nint address, Shape shape, DType dtype, IDisposable owner, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(owner);
        device ??= Device.Default;
        long bytes = shape.ElementCount * dtype.Size();
        if (device.Borrow(address, bytes, owner) is { } storage) return new(storage, dtype, shape, shape.DenseStrides(), 0);
        using (owner)
        {
            Tensor copy = Empty(shape, dtype, device);
            const int Part = 1 << 30;
            for (long done = 0; done < bytes; done += Part)
                device.Backend.Write(new ReadOnlySpan<byte>((byte*)address + done, (int)Math.Min(Part, bytes - done)), copy.Storage, done);
            return copy;
        }
    }

    /// <summary>A tensor of shape [] that holds one number.</summary>
    public static Tensor Scalar(double value, DType dtype = DType.Float32, Device? device = null) => Full([], value, dtype, device);

    /// <summary>Overwrites this tensor with managed elements in row-major order.</summary>
    public void CopyFrom<T>(ReadOnlySpan<T> elements) where T : unmanaged
    {
        RequireType<T>("CopyFrom");
        Storage.CheckWritable("CopyFrom");
        if (elements.Length != ElementCount)
            throw new ShapeException($"CopyFrom: {elements.Length} elements given for shape {Shape}, which has {ElementCount}.");
        if (IsContiguous) Backend.Write(MemoryMarshal.AsBytes(elements), Storage, Offset * DType.Size());
        else CopyFrom(From(elements, Shape, Device));
    }

    /// <summary>Overwrites this tensor with another that broadcasts to its shape; element types convert, devices may differ.</summary>
    public void CopyFrom(Tensor source)
    {
        ArgumentNullException.ThrowIfNull(source);
        Storage.CheckWritable("CopyFrom");
        source.Storage.CheckUsable();
        if (source.Device != Device) source = source.To(Device);
        Tensor stretched = source.Expand(Shape);
        if (ElementCount > 0) Backend.Copy(stretched, this);
    }

    /// <summary>Copies the elements, in row-major order, to managed memory.</summary>
    public void CopyTo<T>(Span<T> target) where T : unmanaged
    {
        RequireType<T>("CopyTo");
        Storage.CheckUsable();
        if (target.Length != ElementCount)
            throw new ShapeException($"CopyTo: room for {target.Length} elements, shape {Shape} has {ElementCount}.");
        Tensor dense = Contiguous();
        Backend.Read(dense.Storage, dense.Offset * DType.Size(), MemoryMarshal.AsBytes(target));
        GC.KeepAlive(dense);
    }

    /// <summary>The elements, in row-major order, as a managed array.</summary>
    public T[] ToArray<T>() where T : unmanaged
    {
        T[] result = GC.AllocateUninitializedArray<T>(checked((int)ElementCount));
        CopyTo<T>(result);
        return result;
    }

    /// <summary>The only element, as a double. It waits for the device.</summary>
    /// <exception cref="ShapeException">There is not exactly one element.</exception>
    public double Item()
    {
        if (ElementCount != 1) throw new ShapeException($"Item: {Shape} has {ElementCount} elements, not one.");
        return To(DType.Float64).ToArray<double>()[0];
    }

    /// <summary>The only element, in the tensor's own element type. It waits for the device.</summary>
    /// <exception cref="ShapeException">There is not exactly one element, or it is of another type.</exception>
    public T Item<T>() where T : unmanaged
    {
        if (ElementCount != 1) throw new ShapeException($"Item: {Shape} has {ElementCount} elements, not one.");
        T value = default;
        CopyTo(new Span<T>(ref value));
        return value;
    }

    /// <summary>
    /// The memory itself, without a copy: dense tensors of a device whose memory the host sees (the CPU). Valid as long as
    /// the tensor is referenced and not released.
    /// </summary>
    /// <exception cref="DeviceException">The host does not see this device's memory, or may only read it.</exception>
    /// <exception cref="ShapeException">The tensor is not dense, or not of this element type.</exception>
    public Span<T> AsSpan<T>() where T : unmanaged
    {
        Storage.CheckWritable("AsSpan");
        return Elements<T>("AsSpan");
    }

    /// <summary>The memory itself, for reading alone; see <see cref="AsSpan"/>.</summary>
    /// <exception cref="DeviceException">The host does not see this device's memory.</exception>
    /// <exception cref="ShapeException">The tensor is not dense, or not of this element type.</exception>
    public ReadOnlySpan<T> AsReadOnlySpan<T>() where T : unmanaged => Elements<T>("AsReadOnlySpan");

    Span<T> Elements<T>(string operation) where T : unmanaged
    {
        RequireType<T>(operation);
        Storage.CheckUsable();
        if (!IsContiguous) throw new ShapeException($"{operation}: the elements of this {Shape} view are not dense; call Contiguous first.");
        Span<byte> bytes = Storage is IHostVisible host
            ? host.Bytes.Slice(checked((int)(Offset * DType.Size())), checked((int)(ElementCount * DType.Size())))
            : throw new DeviceException($"{operation}: the memory of {Device} is not visible to the host; use CopyTo.");
        return MemoryMarshal.Cast<byte, T>(bytes);
    }

    /// <summary>The memory itself as a System.Numerics tensor span, any strides that are not negative; see <see cref="AsSpan"/>.</summary>
    public ReadOnlyTensorSpan<T> AsTensorSpan<T>() where T : unmanaged
    {
        Tensor dense = Contiguous();
        nint[] lengths = new nint[Rank];
        for (int axis = 0; axis < Rank; axis++) lengths[axis] = Shape[axis];
        return new(dense.AsReadOnlySpan<T>(), lengths, []);
    }

    /// <summary>A dense copy.</summary>
    public Tensor Clone()
    {
        Tensor result = EmptyLike();
        result.CopyFrom(this);
        return result;
    }

    /// <summary>This tensor if it has the element type, else a converted dense copy. Integers saturate, floats round to nearest even.</summary>
    public Tensor To(DType dtype)
    {
        if (dtype == DType) return this;
        Tensor result = EmptyLike(dtype: dtype);
        result.CopyFrom(this);
        return result;
    }

    /// <summary>This tensor if it lies on the device, else a dense copy there.</summary>
    public Tensor To(Device device)
    {
        if (device == Device) return this;
        Storage.CheckUsable();
        Tensor dense = Contiguous();
        byte[] bytes = new byte[dense.ElementCount * DType.Size()];
        Backend.Read(dense.Storage, dense.Offset * DType.Size(), bytes);
        Tensor result = Empty(Shape, DType, device);
        result.Backend.Write(bytes, result.Storage, 0);
        return result;
    }

    void RequireType<T>(string operation) where T : unmanaged
    {
        if (DTypes.Of<T>() != DType)
            throw new ShapeException($"{operation}: the tensor holds {DType}, not {typeof(T).Name}; convert with To(DType).");
    }
}

/// <summary>A storage whose memory the host can read and write in place.</summary>
public interface IHostVisible
{
    /// <summary>The memory; storages above 2 GB show their first 2 GB.</summary>
    Span<byte> Bytes { get; }
}
