using Engine.Tensors;

namespace Engine.Autograd;

/// <summary>
/// A tensor that remembers how it was computed, so that <see cref="Backward(Tensor?, bool)"/> can follow the way back.
/// </summary>
public partial class Variable
{
    List<Func<Tensor, Tensor?>>? hooks;
    bool retainsGradient;

    /// <summary>A leaf: data, or something to be differentiated by.</summary>
    /// <exception cref="ShapeException">A gradient is asked for a tensor that holds no floats.</exception>
    public Variable(Tensor value, bool requiresGradient = false)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (requiresGradient && !value.DType.IsFloating())
            throw new ShapeException($"A {value.DType} tensor has no gradient; convert it to Float32 first.");
        (Value, RequiresGradient) = (value, requiresGradient);
    }

    internal Variable(Tensor value, Node producer) : this(value, true) => Producer = producer;

    /// <summary>The numbers.</summary>
    public Tensor Value { get; private protected set; }

    /// <summary>True if backward carries a gradient to or through this variable.</summary>
    public bool RequiresGradient { get; private protected set; }

    /// <summary>
    /// dL/dValue after backward: of leaves, and of results that <see cref="RetainGradient"/> was called on. Several backward
    /// passes add up.
    /// </summary>
    public Tensor? Gradient { get; private protected set; }

    /// <summary>What computed this variable; null for a leaf.</summary>
    internal Node? Producer { get; }

    /// <summary>True for data and parameters, false for results.</summary>
    public bool IsLeaf => Producer is null;

    /// <summary>The extents of the value.</summary>
    public Shape Shape => Value.Shape;

    /// <summary>The number of axes of the value.</summary>
    public int Rank => Value.Rank;

    /// <summary>Data without a history.</summary>
    public static implicit operator Variable(Tensor value) => new(value);

    /// <summary>The same value without its history: no gradient flows through.</summary>
    public Variable Detach() => new(Value);

    /// <summary>Keeps the gradient of a result in <see cref="Gradient"/>; leaves keep theirs anyway.</summary>
    public Variable RetainGradient()
    {
        retainsGradient = true;
        return this;
    }

    /// <summary>
    /// Calls a function once with this variable's whole gradient of a backward pass; what it returns, if anything, takes
    /// the gradient's place. The tensor given is valid during the call: clone what is to stay.
    /// </summary>
    public Variable OnGradient(Func<Tensor, Tensor?> hook)
    {
        (hooks ??= []).Add(hook);
        return this;
    }

    /// <summary>Differentiates this variable by every leaf that it came from and that requires a gradient.</summary>
    /// <param name="gradient">dL/d(this), of this shape; null means 1, for a result of one element.</param>
    /// <param name="retain">
    /// Keep the activations for another backward pass. Otherwise each goes back to the pool as soon as it has been used, and
    /// the values of intermediate results (not of this one) cannot be read afterwards.
    /// </param>
    /// <exception cref="GradientException">Nothing here requires a gradient, or the graph was consumed before.</exception>
    public void Backward(Tensor? gradient = null, bool retain = false)
    {
        if (!RequiresGradient)
            throw new GradientException("Backward: nothing this was computed from requires a gradient.");
        if (gradient is null && Value.ElementCount != 1)
            throw new GradientException($"Backward: a result of shape {Shape} needs a gradient of that shape to start from.");
        if (gradient is not null && gradient.Shape != Shape)
            throw new GradientException($"Backward: the result is {Shape}, the gradient given {gradient.Shape}.");
        using BackwardPass pass = new(this, retain);
        pass.Run(gradient ?? Tensor.Ones(Shape, Value.DType, Value.Device));
    }

    internal bool HasHooks => hooks is not null;

    internal Tensor ApplyHooks(Tensor gradient)
    {
        if (hooks is null) return gradient;
        foreach (Func<Tensor, Tensor?> hook in hooks) gradient = hook(gradient) ?? gradient;
        return gradient.Shape == Shape ? gradient
            : throw new GradientException($"Backward: a hook returned a gradient of {gradient.Shape} for a variable of {Shape}.");
    }

    /// <summary>True if <see cref="Gradient"/> is to be set by backward.</summary>
    internal bool KeepsGradient => retainsGradient || (IsLeaf && RequiresGradient);

    /// <summary>Adds to <see cref="Gradient"/>. The tensor belongs to the scope around backward; of a scope that has ended, nothing is left to add to.</summary>
    internal virtual void AccumulateGradient(Tensor gradient) =>
        Gradient = Gradient is not null and not { Storage.IsReleased: true } ? Elementwise.Map(new Add(), Gradient, gradient.To(Gradient.DType))
            : gradient.DType == Value.DType ? gradient.Clone() : gradient.To(Value.DType);

    /// <summary>float32 [2, 3] on cpu, requires gradient</summary>
    public override string ToString() => RequiresGradient ? $"{Value}, requires gradient" : Value.ToString();
}
