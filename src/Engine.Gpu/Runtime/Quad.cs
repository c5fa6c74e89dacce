using Engine.Tensors;

namespace Engine.Gpu;

/// <summary>Four neighbours in registers, moved by one wide load or store where they lie in one aligned piece.</summary>
struct Quad<TLane> where TLane : unmanaged, ILane<TLane>
{
    public TLane X, Y, Z, W;

    public Quad(TLane x, TLane y, TLane z, TLane w)
    {
        X = x;
        Y = y;
        Z = z;
        W = w;
    }

    public static Quad<TLane> Zero => new() { X = TLane.Of(0f), Y = TLane.Of(0f), Z = TLane.Of(0f), W = TLane.Of(0f) };

    /// <summary>a b + c with one factor for all four.</summary>
    public static Quad<TLane> MulAdd(TLane a, Quad<TLane> b, Quad<TLane> c) => new()
    {
        X = TLane.MulAdd(a, b.X, c.X),
        Y = TLane.MulAdd(a, b.Y, c.Y),
        Z = TLane.MulAdd(a, b.Z, c.Z),
        W = TLane.MulAdd(a, b.W, c.W),
    };

    /// <summary>All four times one factor.</summary>
    public static Quad<TLane> Multiply(TLane factor, Quad<TLane> x) => new(factor * x.X, factor * x.Y, factor * x.Z, factor * x.W);

    /// <summary>a b + c, each with its own factor.</summary>
    public static Quad<TLane> MulAdd(Quad<TLane> a, Quad<TLane> b, Quad<TLane> c) => new()
    {
        X = TLane.MulAdd(a.X, b.X, c.X),
        Y = TLane.MulAdd(a.Y, b.Y, c.Y),
        Z = TLane.MulAdd(a.Z, b.Z, c.Z),
        W = TLane.MulAdd(a.W, b.W, c.W),
    };

    /// <summary>All four added up.</summary>
    public static TLane Sum(Quad<TLane> x) => (x.X + x.Y) + (x.Z + x.W);
}
