namespace Engine.Tensors;

/// <summary>Arithmetic in its usual notation, with broadcasting.</summary>
public sealed partial class Tensor
{
    /// <summary>Sum.</summary>
    public static Tensor operator +(Tensor a, Tensor b) => Elementwise.Map<Add>(a, b);

    /// <summary>Difference.</summary>
    public static Tensor operator -(Tensor a, Tensor b) => Elementwise.Map<Subtract>(a, b);

    /// <summary>Product, element by element.</summary>
    public static Tensor operator *(Tensor a, Tensor b) => Elementwise.Map<Multiply>(a, b);

    /// <summary>Quotient.</summary>
    public static Tensor operator /(Tensor a, Tensor b) => Elementwise.Map<Divide>(a, b);

    /// <summary>Negation.</summary>
    public static Tensor operator -(Tensor a) => Elementwise.Map<Negate>(a);

    /// <summary>Every element plus a number.</summary>
    public static Tensor operator +(Tensor a, float b) => Elementwise.Map(new AddConstant(b), a);

    /// <summary>A number plus every element.</summary>
    public static Tensor operator +(float a, Tensor b) => b + a;

    /// <summary>Every element minus a number.</summary>
    public static Tensor operator -(Tensor a, float b) => a + -b;

    /// <summary>A number minus every element.</summary>
    public static Tensor operator -(float a, Tensor b) => Elementwise.Map(new Affine(-1f, a), b);

    /// <summary>Every element times a number.</summary>
    public static Tensor operator *(Tensor a, float b) => Elementwise.Map(new Scale(b), a);

    /// <summary>A number times every element.</summary>
    public static Tensor operator *(float a, Tensor b) => b * a;

    /// <summary>Every element divided by a number: a true division, not a product with the rounded reciprocal.</summary>
    public static Tensor operator /(Tensor a, float b) => Elementwise.Map<Divide>(a, Scalar(b, a.DType, a.Device));

    /// <summary>A number divided by every element.</summary>
    public static Tensor operator /(float a, Tensor b) => Elementwise.Map<Divide>(Scalar(a, b.DType, b.Device), b);
}
