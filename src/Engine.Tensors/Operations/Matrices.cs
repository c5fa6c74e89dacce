namespace Engine.Tensors;

/// <summary>Matrix products: any strides, batches that broadcast, and the linear layer with its gradients.</summary>
/// <remarks>
/// The right side of a product, a linear layer's weight above all, may hold bfloat16 or float16 where everything else is float32:
/// it is read in 16 bits and widened, exactly, on the way to the multiplication. The result has the bits that the weight
/// converted to float32 first would give. Where both sides hold the same 16-bit type, sums run in float32 and results are rounded
/// to that type; gradients of weights, and a given float32 result, take the sums as they are.
/// </remarks>
public static class Matrices
{
    /// <summary>The matrix product, with the rules of numpy and torch.</summary>
    /// <param name="a">[..., M, K], or [K]: a row, whose axis the result lacks.</param>
    /// <param name="b">[..., K, N], or [K]: a column, whose axis the result lacks. Batch axes broadcast. It may be bfloat16 or float16 beside an a of float32.</param>
    /// <returns>[..., M, N]; zeros where K is 0.</returns>
    /// <exception cref="ShapeException">The inner extents differ, the batch axes do not broadcast, an operand has no axis, or the element types differ.</exception>
    public static Tensor MatMul(Tensor a, Tensor b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.Rank == 0 || b.Rank == 0)
            throw new ShapeException($"MatMul: a is {a.Shape}, b is {b.Shape}; both need at least one axis.");
        bool row = a.Rank == 1, column = b.Rank == 1;
        Tensor left = row ? a.Unsqueeze(0) : a, right = column ? b.Unsqueeze(1) : b;
        Tensor y = left.EmptyLike(ResultShape("MatMul", left, right));
        MatMulInto(left, right, y);
        if (row) y = y.Squeeze(-2);
        return column ? y.Squeeze(-1) : y;
    }

    /// <summary>y = a b, or y += a b, into a tensor that is there already.</summary>
    /// <param name="a">[..., M, K]</param>
    /// <param name="b">[..., K, N]; batch axes broadcast. It may be bfloat16 or float16.</param>
    /// <param name="y">[..., M, N], any strides, no part of a or b; a's element type, or float32 where a has 16 bits.</param>
    /// <param name="accumulate">Whether what y holds is added.</param>
    /// <exception cref="ShapeException">The shapes or element types do not fit.</exception>
    public static void MatMulInto(Tensor a, Tensor b, Tensor y, bool accumulate = false)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        ArgumentNullException.ThrowIfNull(y);
        Shape shape = ResultShape("MatMulInto", a, b);
        if (y.Shape != shape) throw new ShapeException($"MatMulInto: {a.Shape} times {b.Shape} is {shape}, y is {y.Shape}.");
        RequireResult("MatMulInto", a, y);
        Multiply(default(Identity), a, b, null, y, null, accumulate);
    }

    /// <summary>y = x weight^T + bias.</summary>
    /// <param name="x">[..., In]</param>
    /// <param name="weight">[Out, In], as checkpoints hold it, bfloat16 and float16 included.</param>
    /// <param name="bias">[Out] or null.</param>
    /// <returns>[..., Out]</returns>
    /// <exception cref="ShapeException">The shapes or element types do not fit.</exception>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias = null) => Linear(default(Identity), x, weight, bias, null);

    /// <summary>y = activation(x weight^T + bias); the sums before the activation are kept for the gradient.</summary>
    /// <param name="activation">Applied element by element while the sums are in the cache.</param>
    /// <param name="x">[..., In]</param>
    /// <param name="weight">[Out, In]</param>
    /// <param name="bias">[Out] or null.</param>
    /// <param name="preActivation">x weight^T + bias, [..., Out].</param>
    /// <returns>[..., Out]</returns>
    /// <exception cref="ShapeException">The shapes or element types do not fit.</exception>
    public static Tensor Linear<TActivation>(TActivation activation, Tensor x, Tensor weight, Tensor? bias, out Tensor preActivation)
        where TActivation : struct, IUnary
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(weight);
        preActivation = x.EmptyLike(LinearShape(x, weight, bias));
        return Linear(activation, x, weight, bias, preActivation);
    }

    /// <summary>y = activation(x weight^T + bias) where nobody asks for a gradient.</summary>
    /// <inheritdoc cref="Linear{TActivation}(TActivation, Tensor, Tensor, Tensor?, out Tensor)"/>
    public static Tensor Linear<TActivation>(TActivation activation, Tensor x, Tensor weight, Tensor? bias)
        where TActivation : struct, IUnary => Linear(activation, x, weight, bias, null);

    static Tensor Linear<TActivation>(TActivation activation, Tensor x, Tensor weight, Tensor? bias, Tensor? preActivation)
        where TActivation : struct, IUnary
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(weight);
        Tensor y = x.EmptyLike(LinearShape(x, weight, bias));
        Multiply(activation, Rows(x), weight.Transpose(), bias, Rows(y), preActivation is null ? null : Rows(preActivation), false);
        return y;
    }

    /// <summary>The gradient of <see cref="Linear(Tensor, Tensor, Tensor?)"/> for its weight: dy^T x over all rows.</summary>
    /// <param name="dy">[..., Out]</param>
    /// <param name="x">[..., In]</param>
    /// <returns>[Out, In], float32 where the operands have 16 bits</returns>
    /// <exception cref="ShapeException">The leading axes or element types differ.</exception>
    public static Tensor LinearWeightGradient(Tensor dy, Tensor x)
    {
        CheckWeightGradient(dy, x);
        Tensor dweight = x.EmptyLike([dy.Shape[^1], x.Shape[^1]], x.DType.Accumulated());
        LinearWeightGradientInto(dy, x, dweight);
        return dweight;
    }

    /// <summary>Writes the gradient for the weight, or adds it to what is there.</summary>
    /// <param name="dy">[..., Out]</param>
    /// <param name="x">[..., In]</param>
    /// <param name="dweight">[Out, In], any strides.</param>
    /// <param name="accumulate">Whether what dweight holds is added.</param>
    /// <exception cref="ShapeException">The shapes or element types do not fit.</exception>
    public static void LinearWeightGradientInto(Tensor dy, Tensor x, Tensor dweight, bool accumulate = false)
    {
        CheckWeightGradient(dy, x);
        ArgumentNullException.ThrowIfNull(dweight);
        if (dweight.Rank != 2 || dweight.Shape[0] != dy.Shape[^1] || dweight.Shape[1] != x.Shape[^1])
            throw new ShapeException($"LinearWeightGradient: dy {dy.Shape} and x {x.Shape} give [{dy.Shape[^1]}, {x.Shape[^1]}], dweight is {dweight.Shape}.");
        RequireResult("LinearWeightGradient", x, dweight);
        Multiply(default(Identity), Rows(dy).Transpose(), Rows(x), null, dweight, null, accumulate);
    }

    /// <summary>The gradient of <see cref="Linear(Tensor, Tensor, Tensor?)"/> for its input: dy weight.</summary>
    /// <param name="dy">[..., Out]</param>
    /// <param name="weight">[Out, In]; it may be bfloat16 or float16.</param>
    /// <returns>[..., In]</returns>
    /// <exception cref="ShapeException">The shapes or element types do not fit.</exception>
    public static Tensor LinearInputGradient(Tensor dy, Tensor weight)
    {
        ArgumentNullException.ThrowIfNull(dy);
        ArgumentNullException.ThrowIfNull(weight);
        if (weight.Rank != 2 || dy.Rank == 0 || dy.Shape[^1] != weight.Shape[0])
            throw new ShapeException($"LinearInputGradient: dy is {dy.Shape}, weight is {weight.Shape}; dy [..., Out] and weight [Out, In] fit.");
        RequireFactors("LinearInputGradient", dy, weight);
        Tensor dx = dy.EmptyLike(dy.Shape.With(dy.Rank - 1, weight.Shape[1]));
        Multiply(default(Identity), Rows(dy), weight, null, Rows(dx), null, false);
        return dx;
    }

    // The one way to the backend: nothing for an empty y; where K is 0 a single zero, stretched, takes the operands' place, so
    // that bias and activation still count.
    static void Multiply<TActivation>(TActivation activation, Tensor a, Tensor b, Tensor? bias, Tensor y, Tensor? preActivation, bool accumulate)
        where TActivation : struct, IUnary
    {
        a.Storage.CheckUsable();
        b.Storage.CheckUsable();
        y.Storage.CheckWritable("MatMul");
        if (!y.DType.IsFloating())
            throw new ShapeException($"MatMul: arithmetic runs on floating-point tensors, not {y.DType}; convert with To(DType).");
        if (y.ElementCount == 0) return;
        Shape batch = y.Shape[..^2];
        if (a.Shape[^1] == 0)
        {
            Tensor zero = Tensor.Zeros([1, 1], y.DType, y.Device);
            (a, b) = (zero.Expand([y.Shape[^2], 1]), zero.Expand([1, y.Shape[^1]]));
        }

        a = a.Expand([.. batch, a.Shape[^2], a.Shape[^1]]);
        b = b.Expand([.. batch, b.Shape[^2], b.Shape[^1]]);
        y.Backend.MatMul(activation, a, b, bias, y, preActivation, accumulate);
    }

    static Shape ResultShape(string operation, Tensor a, Tensor b)
    {
        if (a.Rank < 2 || b.Rank < 2) throw new ShapeException($"{operation}: a is {a.Shape}, b is {b.Shape}; both need two axes or more.");
        if (a.Shape[^1] != b.Shape[^2])
            throw new ShapeException($"{operation}: inner extents differ: a is {a.Shape}, b is {b.Shape}.");
        RequireFactors(operation, a, b);
        Shape batch = Shape.Broadcast(a.Shape[..^2], b.Shape[..^2], operation);
        return [.. batch, a.Shape[^2], b.Shape[^1]];
    }

    static Shape LinearShape(Tensor x, Tensor weight, Tensor? bias)
    {
        if (x.Rank == 0 || weight.Rank != 2 || x.Shape[^1] != weight.Shape[1])
            throw new ShapeException($"Linear: x is {x.Shape}, weight is {weight.Shape}; x [..., In] and weight [Out, In] fit.");
        RequireFactors("Linear", x, weight);
        if (bias is not null)
        {
            if (bias.Rank != 1 || bias.Shape[0] != weight.Shape[0])
                throw new ShapeException($"Linear: weight {weight.Shape} takes a bias of [{weight.Shape[0]}], not {bias.Shape}.");
            RequireAlike("Linear", x, bias);
            bias.Storage.CheckUsable();
        }

        return x.Shape.With(x.Rank - 1, weight.Shape[0]);
    }

    static void CheckWeightGradient(Tensor dy, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(dy);
        ArgumentNullException.ThrowIfNull(x);
        if (dy.Rank == 0 || dy.Rank != x.Rank || dy.Shape[..^1] != x.Shape[..^1])
            throw new ShapeException($"LinearWeightGradient: dy is {dy.Shape}, x is {x.Shape}; all axes but the last must agree.");
        RequireAlike("LinearWeightGradient", dy, x);
    }

    // [..., D] as [rows, D].
    static Tensor Rows(Tensor x)
    {
        if (x.Rank == 2) return x;
        long rows = 1;
        for (int axis = 0; axis < x.Rank - 1; axis++) rows *= x.Shape[axis];
        return x.Reshape(checked((int)rows), x.Shape[^1]);
    }

    // A 16-bit right side is widened by the kernels.
    static void RequireFactors(string operation, Tensor a, Tensor b)
    {
        bool widens = a.DType.IsArithmetic() && b.DType.IsNarrow();
        if (!widens) RequireAlike(operation, a, b);
        else if (a.Device != b.Device) throw new DeviceException($"{operation}: the operands lie on {a.Device} and {b.Device}; move one with To(Device).");
    }

    // The result has the operands' type; float32 takes the sums of 16-bit ones unrounded.
    static void RequireResult(string operation, Tensor a, Tensor y)
    {
        if (!a.DType.IsNarrow() || y.DType != DType.Float32) RequireAlike(operation, a, y);
        else if (a.Device != y.Device) throw new DeviceException($"{operation}: the operands lie on {a.Device}, the result on {y.Device}; move one with To(Device).");
    }

    static void RequireAlike(string operation, Tensor a, Tensor b)
    {
        if (a.DType != b.DType) throw new ShapeException($"{operation}: element types differ: {a.DType} and {b.DType}; convert with To(DType).");
        if (a.Device != b.Device) throw new DeviceException($"{operation}: the operands lie on {a.Device} and {b.Device}; move one with To(Device).");
    }
}
