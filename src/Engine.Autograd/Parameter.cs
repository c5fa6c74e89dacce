using Engine.Tensors;

namespace Engine.Autograd;

/// <summary>A leaf that an optimizer trains. It and its gradient live outside all step scopes.</summary>
public sealed class Parameter : Variable
{
    /// <summary>A parameter that owns a copy of the given values.</summary>
    /// <param name="name">Its full name in the model, for messages, checkpoints and traces: <c>blocks.3.attn.qkv.weight</c>.</param>
    /// <param name="value">Its values.</param>
    /// <param name="isBuffer">True for what is saved with a model but not trained, see <see cref="IsBuffer"/>.</param>
    public Parameter(string name, Tensor value, bool isBuffer = false) : base(Outside(value), !isBuffer)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (!isBuffer && !value.DType.IsArithmetic())
            throw new ShapeException($"Parameter {name} holds {value.DType}; parameters are trained in Float32: convert it with To(DType), or keep it frozen with Parameter.Frozen.");
        (Name, IsBuffer) = (name, isBuffer);
    }

    Parameter(Tensor value, string name) : base(value, false)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
    }

    /// <summary>
    /// A frozen parameter that takes a tensor over as it is, in any floating type and wherever it lies: the 16-bit weights of a mapped
    /// checkpoint. From now on no step scope releases it.
    /// </summary>
    /// <param name="name">As for any parameter.</param>
    /// <param name="value">Its values, which nobody else releases.</param>
    public static Parameter Frozen(string name, Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        value.Storage.Scope = null;
        return new(value, name);
    }

    /// <summary>The full name in the model.</summary>
    public string Name { get; set; }

    /// <summary>True while the values are random rather than loaded: a new head. Such a parameter has no meaningful anchor.</summary>
    public bool IsFresh { get; set; } = true;

    /// <summary>True for a parameter whose pre-trained value is zero by construction: LoRA, adapters.</summary>
    public bool ZeroAnchor { get; set; }

    /// <summary>True once backward has reached this parameter since <see cref="ZeroGradient"/>.</summary>
    public bool HasGradient { get; private set; }

    /// <summary>
    /// True for numbers that belong to a model and are loaded and saved with it, but that no gradient changes: the running
    /// statistics of batch normalization. A buffer stays untrained whatever is asked of it.
    /// </summary>
    public bool IsBuffer { get; }

    /// <summary>
    /// The values in 16 bits, which operations under <see cref="Tape.Autocast"/> take instead of rounding the values anew, or null.
    /// Whoever sets it keeps it equal to the values.
    /// </summary>
    public Tensor? Narrow { get; private set; }

    /// <summary>False freezes the parameter: no gradient is computed for it.</summary>
    /// <exception cref="GradientException">True for a parameter that is stored in 16 bits: those stay frozen.</exception>
    public bool Trainable
    {
        get => RequiresGradient;
        set
        {
            if (value && !Value.DType.IsArithmetic())
                throw new GradientException($"Parameter {Name} is kept in {Value.DType} and stays frozen; load the model with its weights in Float32 to train it, or train adapters beside it.");
            RequiresGradient = value && !IsBuffer;
        }
    }

    static Tensor Outside(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        using StepScope outside = StepScope.Outside();
        return value.Clone();
    }

    /// <summary>Moves the parameter into an arena: values and gradient become views of the arena's buffers.</summary>
    /// <param name="value">Dense, of this shape; it receives the present values.</param>
    /// <param name="gradient">Dense, of this shape.</param>
    /// <exception cref="ShapeException">A shape differs.</exception>
    public void Bind(Tensor value, Tensor gradient)
    {
        ArgumentNullException.ThrowIfNull(value);
        ArgumentNullException.ThrowIfNull(gradient);
        if (value.Shape != Shape || gradient.Shape != Shape)
            throw new ShapeException($"Bind: parameter {Name} is {Shape}, the arena offers {value.Shape} and {gradient.Shape}.");
        value.CopyFrom(Value);
        if (Gradient is not null && HasGradient) gradient.CopyFrom(Gradient);
        (Value, Gradient, Narrow) = (value, gradient, null);
    }

    /// <summary>Sets or, with null, forgets <see cref="Narrow"/>.</summary>
    /// <param name="values">Dense, of this shape; it belongs to no step scope.</param>
    /// <exception cref="ShapeException">The shape differs, or the element type has not 16 bits.</exception>
    public void BindNarrow(Tensor? values)
    {
        if (values is not null && (values.Shape != Shape || !values.DType.IsNarrow()))
            throw new ShapeException($"BindNarrow: parameter {Name} is {Value}, the values given are {values}.");
        Narrow = values;
    }

    /// <summary>
    /// Gives the parameter other memory for its values, and hands out what it had: the way to change weights that lie in memory
    /// which cannot be written, and back. Not for a parameter that an optimizer steps.
    /// </summary>
    /// <param name="value">Dense, of this shape and element type; it belongs to no step scope.</param>
    /// <returns>The former values.</returns>
    /// <exception cref="ShapeException">Shape or element type differ.</exception>
    public Tensor Exchange(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value.Shape != Shape || value.DType != Value.DType)
            throw new ShapeException($"Exchange: parameter {Name} is {Value}, the values given are {value}.");
        Tensor former = Value;
        (Value, Narrow) = (value, null);
        return former;
    }

    /// <summary>
    /// Takes values that were kept in 16 bits over into float32, in memory of the parameter's own: what it needs to be trained.
    /// Others stay as they are.
    /// </summary>
    public void Widen()
    {
        if (Value.DType is not (DType.Float16 or DType.BFloat16)) return;
        using StepScope outside = StepScope.Outside();
        (Value, Narrow) = (Value.To(DType.Float32), null);
    }

    /// <summary>Replaces the values in place and marks the parameter as loaded.</summary>
    /// <exception cref="ShapeException">The shape differs; the message names the parameter.</exception>
    public void Load(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value.Shape != Shape) throw new ShapeException($"Parameter {Name} is {Shape}, the values given are {value.Shape}.");
        Value.CopyFrom(value);
        Narrow?.CopyFrom(Value);
        IsFresh = false;
    }

    /// <summary>Forgets the gradient. The memory stays.</summary>
    public void ZeroGradient() => HasGradient = false;

    internal override void AccumulateGradient(Tensor gradient)
    {
        if (Gradient is null)
        {
            using StepScope outside = StepScope.Outside();
            Gradient = Value.EmptyLike();
        }

        if (HasGradient) Elementwise.MapInto(new Add(), Gradient, gradient.To(Gradient.DType), Gradient);
        else Gradient.CopyFrom(gradient);
        HasGradient = true;
    }
}
