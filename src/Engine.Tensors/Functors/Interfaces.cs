namespace Engine.Tensors;

/// <summary>An elementwise formula of one operand. Fields, if any, are floats: the formula's constants at run time.</summary>
public interface IUnary
{
    /// <summary>f(x), lane by lane.</summary>
    T Apply<T>(T x) where T : struct, ILane<T>;
}

/// <summary>An elementwise formula of two operands.</summary>
public interface IBinary
{
    /// <summary>f(a, b), lane by lane.</summary>
    T Apply<T>(T a, T b) where T : struct, ILane<T>;
}

/// <summary>An elementwise formula of three operands.</summary>
public interface ITernary
{
    /// <summary>f(a, b, c), lane by lane.</summary>
    T Apply<T>(T a, T b, T c) where T : struct, ILane<T>;
}

/// <summary>A unary formula with its derivative beside it.</summary>
public interface IDifferentiableUnary : IUnary
{
    /// <summary>dL/dx from x, y = f(x) and dL/dy. Use whichever of x and y is cheaper.</summary>
    T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T>;
}

/// <summary>A binary formula with its two derivatives beside it.</summary>
public interface IDifferentiableBinary : IBinary
{
    /// <summary>dL/da from a, b and dL/dy.</summary>
    T GradientA<T>(T a, T b, T dy) where T : struct, ILane<T>;

    /// <summary>dL/db from a, b and dL/dy.</summary>
    T GradientB<T>(T a, T b, T dy) where T : struct, ILane<T>;
}

/// <summary>A fold of many elements into one. The order is fixed; the lanes of a vector fold last.</summary>
public interface IReduction
{
    /// <summary>The value that changes nothing.</summary>
    T Start<T>() where T : struct, ILane<T>;

    /// <summary>What an element becomes before it is folded in; the identity, or for instance its square.</summary>
    T Map<T>(T x) where T : struct, ILane<T>;

    /// <summary>Two partial results made one.</summary>
    T Combine<T>(T a, T b) where T : struct, ILane<T>;
}

/// <summary>(x, y, dy) -> dx of a differentiable formula, as a formula of three operands.</summary>
public readonly struct GradientOf<TOp>(TOp op) : ITernary where TOp : struct, IDifferentiableUnary
{
    readonly TOp op = op;

    /// <inheritdoc/>
    public T Apply<T>(T x, T y, T dy) where T : struct, ILane<T> => op.Gradient(x, y, dy);
}

/// <summary>(a, b, dy) -> da of a differentiable formula, as a formula of three operands.</summary>
public readonly struct GradientAOf<TOp>(TOp op) : ITernary where TOp : struct, IDifferentiableBinary
{
    readonly TOp op = op;

    /// <inheritdoc/>
    public T Apply<T>(T a, T b, T dy) where T : struct, ILane<T> => op.GradientA(a, b, dy);
}

/// <summary>(a, b, dy) -> db of a differentiable formula, as a formula of three operands.</summary>
public readonly struct GradientBOf<TOp>(TOp op) : ITernary where TOp : struct, IDifferentiableBinary
{
    readonly TOp op = op;

    /// <inheritdoc/>
    public T Apply<T>(T a, T b, T dy) where T : struct, ILane<T> => op.GradientB(a, b, dy);
}
