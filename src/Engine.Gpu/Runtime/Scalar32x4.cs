using System.Runtime.InteropServices;
using Engine.Tensors;

namespace Engine.Gpu;

/// <summary>Four floats that a thread computes side by side: one wide load and store, and independent work to fill the pipeline with.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
struct Scalar32x4(float x, float y, float z, float w) : ILane<Scalar32x4>
{
    public float X = x, Y = y, Z = z, W = w;

    public static Scalar32x4 operator +(Scalar32x4 a, Scalar32x4 b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);

    public static Scalar32x4 operator -(Scalar32x4 a, Scalar32x4 b) => new(a.X - b.X, a.Y - b.Y, a.Z - b.Z, a.W - b.W);

    public static Scalar32x4 operator *(Scalar32x4 a, Scalar32x4 b) => new(a.X * b.X, a.Y * b.Y, a.Z * b.Z, a.W * b.W);

    public static Scalar32x4 operator /(Scalar32x4 a, Scalar32x4 b) => new(a.X / b.X, a.Y / b.Y, a.Z / b.Z, a.W / b.W);

    public static Scalar32x4 operator -(Scalar32x4 a) => new(-a.X, -a.Y, -a.Z, -a.W);

    public static Scalar32x4 Of(double value) => Of((float)value);

    public static Scalar32x4 Of(float value) => new(value, value, value, value);

    public static Scalar32x4 MulAdd(Scalar32x4 a, Scalar32x4 b, Scalar32x4 c) => new(a.X * b.X + c.X, a.Y * b.Y + c.Y, a.Z * b.Z + c.Z, a.W * b.W + c.W);

    public static Scalar32x4 Min(Scalar32x4 a, Scalar32x4 b) => new(MathF.Min(a.X, b.X), MathF.Min(a.Y, b.Y), MathF.Min(a.Z, b.Z), MathF.Min(a.W, b.W));

    public static Scalar32x4 Max(Scalar32x4 a, Scalar32x4 b) => new(MathF.Max(a.X, b.X), MathF.Max(a.Y, b.Y), MathF.Max(a.Z, b.Z), MathF.Max(a.W, b.W));

    public static Scalar32x4 Abs(Scalar32x4 x) => new(MathF.Abs(x.X), MathF.Abs(x.Y), MathF.Abs(x.Z), MathF.Abs(x.W));

    public static Scalar32x4 Sqrt(Scalar32x4 x) => new(MathF.Sqrt(x.X), MathF.Sqrt(x.Y), MathF.Sqrt(x.Z), MathF.Sqrt(x.W));

    public static Scalar32x4 Floor(Scalar32x4 x) => new(MathF.Floor(x.X), MathF.Floor(x.Y), MathF.Floor(x.Z), MathF.Floor(x.W));

    public static Scalar32x4 Exp(Scalar32x4 x) => new(MathF.Exp(x.X), MathF.Exp(x.Y), MathF.Exp(x.Z), MathF.Exp(x.W));

    public static Scalar32x4 Log(Scalar32x4 x) => new(MathF.Log(x.X), MathF.Log(x.Y), MathF.Log(x.Z), MathF.Log(x.W));

    public static Scalar32x4 Sin(Scalar32x4 x) => new(MathF.Sin(x.X), MathF.Sin(x.Y), MathF.Sin(x.Z), MathF.Sin(x.W));

    public static Scalar32x4 Cos(Scalar32x4 x) => new(MathF.Cos(x.X), MathF.Cos(x.Y), MathF.Cos(x.Z), MathF.Cos(x.W));

    public static Scalar32x4 Pow(Scalar32x4 x, Scalar32x4 y) => new(MathF.Pow(x.X, y.X), MathF.Pow(x.Y, y.Y), MathF.Pow(x.Z, y.Z), MathF.Pow(x.W, y.W));

    public static Scalar32x4 Erf(Scalar32x4 x) => new(Erf(x.X), Erf(x.Y), Erf(x.Z), Erf(x.W));

    public static Scalar32x4 IfGreater(Scalar32x4 a, Scalar32x4 b, Scalar32x4 then, Scalar32x4 otherwise) => new(
        a.X > b.X ? then.X : otherwise.X,
        a.Y > b.Y ? then.Y : otherwise.Y,
        a.Z > b.Z ? then.Z : otherwise.Z,
        a.W > b.W ? then.W : otherwise.W);

    /// <summary>All four, in a fixed order.</summary>
    public static float Sum(Scalar32x4 a) => (a.X + a.Y) + (a.Z + a.W);

    static float Erf(float x) => Scalar32.Erf(new(x)).Value;
}
