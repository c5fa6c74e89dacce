namespace Engine.Tensors;

/// <summary>
/// An n-dimensional array on a device: a view, by shape, strides and offset, of a <see cref="Storage"/>. Views share
/// memory; nothing here records gradients (Engine.Autograd does).
/// </summary>
public sealed partial class Tensor
{
    readonly int[] strides;

    internal Tensor(Storage storage, DType dtype, Shape shape, int[] strides, long offset)
    {
        (Storage, DType, Shape, this.strides, Offset) = (storage, dtype, shape, strides, offset);
        IsContiguous = Dense(shape, strides);
    }

    /// <summary>The memory; views of one another share it.</summary>
    public Storage Storage { get; }

    /// <summary>The element type.</summary>
    public DType DType { get; }

    /// <summary>The extents.</summary>
    public Shape Shape { get; }

    /// <summary>How many elements lie between neighbours along each axis; 0 repeats, negative runs backwards.</summary>
    public ReadOnlySpan<int> Strides => strides;

    /// <summary>The element of the storage where this view begins.</summary>
    public long Offset { get; }

    /// <summary>Where the tensor lies.</summary>
    public Device Device => Storage.Device;

    /// <summary>The number of axes.</summary>
    public int Rank => Shape.Rank;

    /// <summary>The number of elements.</summary>
    public long ElementCount => Shape.ElementCount;

    /// <summary>True when the elements lie densely in row-major order.</summary>
    public bool IsContiguous { get; }

    /// <summary>What computes on this tensor.</summary>
    public Backend Backend => Storage.Device.Backend;

    static bool Dense(Shape shape, int[] strides)
    {
        long expected = 1;
        for (int axis = shape.Rank - 1; axis >= 0; axis--)
        {
            if (shape[axis] == 0) return true;
            if (shape[axis] == 1) continue;
            if (strides[axis] != expected) return false;
            expected *= shape[axis];
        }

        return true;
    }

    /// <summary>Gives the memory back at once; this tensor and every view of the same storage are unusable after that.</summary>
    public void Release() => Storage.Release();

    /// <summary>float32 [2, 3] on cpu</summary>
    public override string ToString() => $"{DType.ToString().ToLowerInvariant()} {Shape} on {Device}";
}
