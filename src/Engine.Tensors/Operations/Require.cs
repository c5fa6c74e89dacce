namespace Engine.Tensors;

/// <summary>What entry points demand of their operands; each failure is one line that names the operation and what it found.</summary>
static class Require
{
    /// <summary>Two operands on one device, neither given back: said before anything is allocated for the result.</summary>
    public static void SameDevice(string operation, Tensor a, Tensor b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        a.Storage.CheckUsable();
        b.Storage.CheckUsable();
        if (a.Device != b.Device)
            throw new DeviceException($"{operation}: one tensor is on {a.Device}, another on {b.Device}; move one with To(Device).");
    }

    /// <summary>Two operands of one element type, on one device.</summary>
    public static void Alike(string operation, Tensor a, Tensor b)
    {
        SameDevice(operation, a, b);
        if (a.DType != b.DType)
            throw new ShapeException($"{operation}: element types differ, {a.DType} and {b.DType}; convert one with To(DType).");
    }

    /// <summary>float32 or float64: what 16 bits would not be enough for.</summary>
    public static void Arithmetic(string operation, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        x.Storage.CheckUsable();
        if (!x.DType.IsArithmetic())
            throw new ShapeException($"{operation}: arithmetic runs in Float32 or Float64, not {x.DType}; convert with To(DType).");
    }

    /// <summary>A floating-point type; 16-bit elements are widened to float32 in registers.</summary>
    public static void Floating(string operation, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        x.Storage.CheckUsable();
        if (!x.DType.IsFloating())
            throw new ShapeException($"{operation}: arithmetic runs on floating-point tensors, not {x.DType}; convert with To(DType).");
    }

    /// <summary>An exact shape of an operand.</summary>
    public static void Shape(string operation, string name, Tensor x, Shape expected)
    {
        if (x.Shape != expected) throw new ShapeException($"{operation}: {name} is {x.Shape}, expected {expected}.");
    }

    /// <summary>An operand of a certain number of axes.</summary>
    public static void Rank(string operation, string name, Tensor x, int rank, string axes)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Rank != rank) throw new ShapeException($"{operation}: {name} is {x.Shape}, expected {axes}.");
    }

    /// <summary>An index tensor as the backend takes it: int32, on the device of what it points into.</summary>
    public static Tensor Index(string operation, Tensor index, Tensor target)
    {
        SameDevice(operation, index, target);
        if (!index.DType.IsIndex()) throw new ShapeException($"{operation}: the index holds {index.DType}, expected Int32 or Int64.");
        return index.To(DType.Int32);
    }
}
