using System.Diagnostics.CodeAnalysis;

namespace Engine.Autograd;

/// <summary>The arithmetic of <see cref="Functions"/> as operators.</summary>
[SuppressMessage("Usage", "CA2225:Operator overloads have named alternates", Justification = "The names are those of Functions.")]
public partial class Variable
{
    /// <summary>a + b with broadcasting.</summary>
    public static Variable operator +(Variable a, Variable b) => Functions.Add(a, b);

    /// <summary>x + constant.</summary>
    public static Variable operator +(Variable x, float constant) => Functions.AddConstant(x, constant);

    /// <summary>constant + x.</summary>
    public static Variable operator +(float constant, Variable x) => Functions.AddConstant(x, constant);

    /// <summary>a - b with broadcasting.</summary>
    public static Variable operator -(Variable a, Variable b) => Functions.Subtract(a, b);

    /// <summary>x - constant.</summary>
    public static Variable operator -(Variable x, float constant) => Functions.AddConstant(x, -constant);

    /// <summary>constant - x.</summary>
    public static Variable operator -(float constant, Variable x) => Functions.AddConstant(Functions.Negate(x), constant);

    /// <summary>-x.</summary>
    public static Variable operator -(Variable x) => Functions.Negate(x);

    /// <summary>a * b, element by element, with broadcasting.</summary>
    public static Variable operator *(Variable a, Variable b) => Functions.Multiply(a, b);

    /// <summary>factor * x.</summary>
    public static Variable operator *(Variable x, float factor) => Functions.Scale(x, factor);

    /// <summary>factor * x.</summary>
    public static Variable operator *(float factor, Variable x) => Functions.Scale(x, factor);

    /// <summary>a / b, element by element, with broadcasting.</summary>
    public static Variable operator /(Variable a, Variable b) => Functions.Divide(a, b);

    /// <summary>x / divisor.</summary>
    public static Variable operator /(Variable x, float divisor) => Functions.Scale(x, 1 / divisor);

    /// <summary>dividend / x.</summary>
    public static Variable operator /(float dividend, Variable x) => Functions.Scale(Functions.Reciprocal(x), dividend);
}
