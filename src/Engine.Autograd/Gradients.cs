using Engine.Tensors;

namespace Engine.Autograd;

/// <summary>
/// What an operation's backward returns: one gradient per input, in order, null where none is needed. A tensor, a tuple or
/// an array of tensors converts.
/// </summary>
public readonly struct Gradients
{
    readonly Tensor?[] tensors;

    Gradients(Tensor?[] tensors) => this.tensors = tensors;

    internal ReadOnlySpan<Tensor?> Tensors => tensors;

    /// <summary>The gradient of the only input.</summary>
    public static implicit operator Gradients(Tensor? first) => new([first]);

    /// <summary>The gradients of two inputs.</summary>
    public static implicit operator Gradients((Tensor? First, Tensor? Second) pair) => new([pair.First, pair.Second]);

    /// <summary>The gradients of three inputs.</summary>
    public static implicit operator Gradients((Tensor? First, Tensor? Second, Tensor? Third) triple) =>
        new([triple.First, triple.Second, triple.Third]);

    /// <summary>The gradients of four inputs.</summary>
    public static implicit operator Gradients((Tensor? First, Tensor? Second, Tensor? Third, Tensor? Fourth) four) =>
        new([four.First, four.Second, four.Third, four.Fourth]);

    /// <summary>The gradients of any number of inputs.</summary>
    public static implicit operator Gradients(Tensor?[] all) => new(all);
}
