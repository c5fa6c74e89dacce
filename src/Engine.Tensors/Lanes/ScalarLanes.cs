namespace Engine.Tensors;

/// <summary>One float: a GPU thread, or the loop of a CPU without SIMD.</summary>
public readonly unsafe struct Scalar32(float value) : IVectorLane<Scalar32, float>
{
    /// <summary>The number.</summary>
    public readonly float Value = value;

    /// <inheritdoc/>
    public static int Count => 1;

    /// <inheritdoc/>
    public static Scalar32 operator +(Scalar32 a, Scalar32 b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    public static Scalar32 operator -(Scalar32 a, Scalar32 b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    public static Scalar32 operator *(Scalar32 a, Scalar32 b) => new(a.Value * b.Value);

    /// <inheritdoc/>
    public static Scalar32 operator /(Scalar32 a, Scalar32 b) => new(a.Value / b.Value);

    /// <inheritdoc/>
    public static Scalar32 operator -(Scalar32 a) => new(-a.Value);

    /// <inheritdoc/>
    public static Scalar32 Of(double value) => new((float)value);

    /// <inheritdoc/>
    public static Scalar32 Of(float value) => new(value);

    /// <inheritdoc/>
    public static Scalar32 MulAdd(Scalar32 a, Scalar32 b, Scalar32 c) => new(a.Value * b.Value + c.Value);

    /// <inheritdoc/>
    public static Scalar32 Min(Scalar32 a, Scalar32 b) => new(MathF.Min(a.Value, b.Value));

    /// <inheritdoc/>
    public static Scalar32 Max(Scalar32 a, Scalar32 b) => new(MathF.Max(a.Value, b.Value));

    /// <inheritdoc/>
    public static Scalar32 Abs(Scalar32 x) => new(MathF.Abs(x.Value));

    /// <inheritdoc/>
    public static Scalar32 Sqrt(Scalar32 x) => new(MathF.Sqrt(x.Value));

    /// <inheritdoc/>
    public static Scalar32 Floor(Scalar32 x) => new(MathF.Floor(x.Value));

    /// <inheritdoc/>
    public static Scalar32 Exp(Scalar32 x) => new(MathF.Exp(x.Value));

    /// <inheritdoc/>
    public static Scalar32 Log(Scalar32 x) => new(MathF.Log(x.Value));

    /// <inheritdoc/>
    public static Scalar32 Sin(Scalar32 x) => new(MathF.Sin(x.Value));

    /// <inheritdoc/>
    public static Scalar32 Cos(Scalar32 x) => new(MathF.Cos(x.Value));

    /// <inheritdoc/>
    public static Scalar32 Pow(Scalar32 x, Scalar32 y) => new(MathF.Pow(x.Value, y.Value));

    /// <inheritdoc/>
    public static Scalar32 Erf(Scalar32 x) => ErrorFunction.Single(x);

    /// <inheritdoc/>
    public static Scalar32 IfGreater(Scalar32 a, Scalar32 b, Scalar32 then, Scalar32 otherwise) =>
        a.Value > b.Value ? then : otherwise;

    /// <inheritdoc/>
    public static Scalar32 Broadcast(float value) => new(value);

    /// <inheritdoc/>
    public static Scalar32 Load(float* source) => new(*source);

    /// <inheritdoc/>
    public static Scalar32 LoadBrain(ushort* source) => new(Widening.Brain(*source));

    /// <inheritdoc/>
    public static Scalar32 LoadHalf(ushort* source) => new(Widening.Half(*source));

    /// <inheritdoc/>
    public static void Store(Scalar32 value, float* target) => *target = value.Value;

    /// <inheritdoc/>
    public static float Sum(Scalar32 value) => value.Value;

    /// <inheritdoc/>
    public static float Largest(Scalar32 value) => value.Value;

    /// <inheritdoc/>
    public static Scalar32 Scale(Scalar32 value, Scalar32 exponent) => new(MathF.ScaleB(value.Value, (int)exponent.Value));

    /// <inheritdoc/>
    public static Scalar32 Round(Scalar32 value) => new(MathF.Round(value.Value));
}

/// <summary>One double: the reference for gradient checks on a CPU without SIMD.</summary>
public readonly unsafe struct Scalar64(double value) : IVectorLane<Scalar64, double>
{
    /// <summary>The number.</summary>
    public readonly double Value = value;

    /// <inheritdoc/>
    public static int Count => 1;

    /// <inheritdoc/>
    public static Scalar64 operator +(Scalar64 a, Scalar64 b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    public static Scalar64 operator -(Scalar64 a, Scalar64 b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    public static Scalar64 operator *(Scalar64 a, Scalar64 b) => new(a.Value * b.Value);

    /// <inheritdoc/>
    public static Scalar64 operator /(Scalar64 a, Scalar64 b) => new(a.Value / b.Value);

    /// <inheritdoc/>
    public static Scalar64 operator -(Scalar64 a) => new(-a.Value);

    /// <inheritdoc/>
    public static Scalar64 Of(double value) => new(value);

    /// <inheritdoc/>
    public static Scalar64 Of(float value) => new(value);

    /// <inheritdoc/>
    public static Scalar64 MulAdd(Scalar64 a, Scalar64 b, Scalar64 c) => new(a.Value * b.Value + c.Value);

    /// <inheritdoc/>
    public static Scalar64 Min(Scalar64 a, Scalar64 b) => new(Math.Min(a.Value, b.Value));

    /// <inheritdoc/>
    public static Scalar64 Max(Scalar64 a, Scalar64 b) => new(Math.Max(a.Value, b.Value));

    /// <inheritdoc/>
    public static Scalar64 Abs(Scalar64 x) => new(Math.Abs(x.Value));

    /// <inheritdoc/>
    public static Scalar64 Sqrt(Scalar64 x) => new(Math.Sqrt(x.Value));

    /// <inheritdoc/>
    public static Scalar64 Floor(Scalar64 x) => new(Math.Floor(x.Value));

    /// <inheritdoc/>
    public static Scalar64 Exp(Scalar64 x) => new(Math.Exp(x.Value));

    /// <inheritdoc/>
    public static Scalar64 Log(Scalar64 x) => new(Math.Log(x.Value));

    /// <inheritdoc/>
    public static Scalar64 Sin(Scalar64 x) => new(Math.Sin(x.Value));

    /// <inheritdoc/>
    public static Scalar64 Cos(Scalar64 x) => new(Math.Cos(x.Value));

    /// <inheritdoc/>
    public static Scalar64 Pow(Scalar64 x, Scalar64 y) => new(Math.Pow(x.Value, y.Value));

    /// <inheritdoc/>
    public static Scalar64 Erf(Scalar64 x) => new(ErrorFunction.Double(x.Value));

    /// <inheritdoc/>
    public static Scalar64 IfGreater(Scalar64 a, Scalar64 b, Scalar64 then, Scalar64 otherwise) =>
        a.Value > b.Value ? then : otherwise;

    /// <inheritdoc/>
    public static Scalar64 Broadcast(double value) => new(value);

    /// <inheritdoc/>
    public static Scalar64 Load(double* source) => new(*source);

    /// <inheritdoc/>
    public static Scalar64 LoadBrain(ushort* source) => new(Widening.Brain(*source));

    /// <inheritdoc/>
    public static Scalar64 LoadHalf(ushort* source) => new(Widening.Half(*source));

    /// <inheritdoc/>
    public static void Store(Scalar64 value, double* target) => *target = value.Value;

    /// <inheritdoc/>
    public static double Sum(Scalar64 value) => value.Value;

    /// <inheritdoc/>
    public static double Largest(Scalar64 value) => value.Value;

    /// <inheritdoc/>
    public static Scalar64 Scale(Scalar64 value, Scalar64 exponent) => new(Math.ScaleB(value.Value, (int)exponent.Value));

    /// <inheritdoc/>
    public static Scalar64 Round(Scalar64 value) => new(Math.Round(value.Value));
}
