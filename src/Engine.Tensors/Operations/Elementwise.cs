namespace Engine.Tensors;

/// <summary>Formulas applied element by element, with broadcasting: axes align at the end and an extent of 1 stretches.</summary>
public static class Elementwise
{
    /// <summary>op(x) for a formula without constants: <c>Elementwise.Map&lt;Gelu&gt;(x)</c>.</summary>
    public static Tensor Map<TOp>(Tensor x) where TOp : struct, IUnary => Map(default(TOp), x);

    /// <summary>op(x), of x's shape.</summary>
    /// <exception cref="ShapeException">x holds no floats.</exception>
    public static Tensor Map<TOp>(TOp op, Tensor x) where TOp : struct, IUnary
    {
        Require.Floating(typeof(TOp).Name, x);
        Tensor y = x.EmptyLike();
        if (y.ElementCount > 0) y.Backend.Map(op, x, y);
        return y;
    }

    /// <summary>y = op(x) into an existing tensor of x's shape, which may be x itself.</summary>
    public static void MapInto<TOp>(TOp op, Tensor x, Tensor y) where TOp : struct, IUnary
    {
        Require.Floating(typeof(TOp).Name, x);
        Require.Alike(typeof(TOp).Name, x, y);
        Require.Shape(typeof(TOp).Name, "the result", y, x.Shape);
        y.Storage.CheckWritable(typeof(TOp).Name);
        if (y.ElementCount > 0) y.Backend.Map(op, x, y);
    }

    /// <summary>op(a, b) for a formula without constants: <c>Elementwise.Map&lt;Add&gt;(a, b)</c>.</summary>
    public static Tensor Map<TOp>(Tensor a, Tensor b) where TOp : struct, IBinary => Map(default(TOp), a, b);

    /// <summary>op(a, b), of the shape both broadcast to.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast, or the element types differ or are no arithmetic ones.</exception>
    public static Tensor Map<TOp>(TOp op, Tensor a, Tensor b) where TOp : struct, IBinary
    {
        string name = typeof(TOp).Name;
        Require.Alike(name, a, b);
        Require.Floating(name, a);
        Tensor y = a.EmptyLike(Shape.Broadcast(a.Shape, b.Shape, name));
        if (y.ElementCount > 0) y.Backend.Map(op, a.Expand(y.Shape), b.Expand(y.Shape), y);
        return y;
    }

    /// <summary>y = op(a, b) into an existing tensor, which may be a or b; a and b broadcast to y's shape.</summary>
    public static void MapInto<TOp>(TOp op, Tensor a, Tensor b, Tensor y) where TOp : struct, IBinary
    {
        string name = typeof(TOp).Name;
        Require.Alike(name, a, b);
        Require.Alike(name, a, y);
        y.Storage.CheckWritable(name);
        Require.Floating(name, a);
        Tensor left = a.Expand(y.Shape), right = b.Expand(y.Shape);
        if (y.ElementCount > 0) y.Backend.Map(op, left, right, y);
    }

    /// <summary>op(a, b, c) for a formula without constants.</summary>
    public static Tensor Map<TOp>(Tensor a, Tensor b, Tensor c) where TOp : struct, ITernary => Map(default(TOp), a, b, c);

    /// <summary>op(a, b, c), of the shape all broadcast to.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast, or the element types differ or are no arithmetic ones.</exception>
    public static Tensor Map<TOp>(TOp op, Tensor a, Tensor b, Tensor c) where TOp : struct, ITernary
    {
        string name = typeof(TOp).Name;
        Require.Alike(name, a, b);
        Require.Alike(name, a, c);
        Require.Floating(name, a);
        Tensor y = a.EmptyLike(Shape.Broadcast(Shape.Broadcast(a.Shape, b.Shape, name), c.Shape, name));
        if (y.ElementCount > 0) y.Backend.Map(op, a.Expand(y.Shape), b.Expand(y.Shape), c.Expand(y.Shape), y);
        return y;
    }

    /// <summary>y = op(a, b, c) into an existing tensor, which may be one of them; they broadcast to y's shape.</summary>
    public static void MapInto<TOp>(TOp op, Tensor a, Tensor b, Tensor c, Tensor y) where TOp : struct, ITernary
    {
        string name = typeof(TOp).Name;
        Require.Alike(name, a, b);
        Require.Alike(name, a, c);
        Require.Alike(name, a, y);
        y.Storage.CheckWritable(name);
        Require.Floating(name, a);
        Tensor first = a.Expand(y.Shape), second = b.Expand(y.Shape), third = c.Expand(y.Shape);
        if (y.ElementCount > 0) y.Backend.Map(op, first, second, third, y);
    }

    /// <summary>a compared with b, as bool, of the shape both broadcast to. Swap the operands for the other directions.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast, or the element types differ.</exception>
    public static Tensor Compare(Comparison comparison, Tensor a, Tensor b)
    {
        Require.Alike("Compare", a, b);
        Tensor y = a.EmptyLike(Shape.Broadcast(a.Shape, b.Shape, "Compare"), DType.Bool);
        if (y.ElementCount > 0) y.Backend.Compare(comparison, a.Expand(y.Shape), b.Expand(y.Shape), y);
        return y;
    }

    /// <summary>condition ? a : b, of the shape all broadcast to and any element type.</summary>
    /// <param name="condition">bool</param>
    /// <param name="a">Taken where the condition holds.</param>
    /// <param name="b">Taken elsewhere; a's element type.</param>
    /// <exception cref="ShapeException">condition is not bool, the shapes do not broadcast, or the element types of a and b differ.</exception>
    public static Tensor Select(Tensor condition, Tensor a, Tensor b)
    {
        Require.Alike("Select", a, b);
        Require.SameDevice("Select", condition, a);
        if (condition.DType != DType.Bool)
            throw new ShapeException($"Select: the condition holds {condition.DType}, expected Bool.");
        Tensor y = a.EmptyLike(Shape.Broadcast(condition.Shape, Shape.Broadcast(a.Shape, b.Shape, "Select"), "Select"));
        if (y.ElementCount > 0) y.Backend.Select(condition.Expand(y.Shape), a.Expand(y.Shape), b.Expand(y.Shape), y);
        return y;
    }

    /// <summary>x with a value where the mask (bool) holds; the mask broadcasts.</summary>
    public static Tensor MaskedFill(Tensor x, Tensor mask, double value)
    {
        ArgumentNullException.ThrowIfNull(x);
        return Select(mask, Tensor.Scalar(value, x.DType, x.Device), x);
    }
}
