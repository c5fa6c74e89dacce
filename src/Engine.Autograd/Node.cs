using Engine.Tensors;

namespace Engine.Autograd;

/// <summary>One recorded operation: where its gradient comes in, and how it goes on to the inputs.</summary>
sealed class Node(long sequence, string operation, Tensor output, Variable?[] inputs, Func<Tensor, Gradients> backward, Tensor?[] saved)
{
    /// <summary>Grows with every operation of the process; inputs always have smaller numbers.</summary>
    public long Sequence { get; } = sequence;

    /// <summary>The operation's name, for messages.</summary>
    public string Operation { get; } = operation;

    /// <summary>The result's value, whose memory this node may give back.</summary>
    public Tensor Output { get; } = output;

    /// <summary>The result itself, where a hook or retained gradient needs it.</summary>
    public WeakReference<Variable>? Result { get; set; }

    /// <summary>What the result was computed from; null for an optional input that was not given.</summary>
    public Variable?[] Inputs { get; private set; } = inputs;

    /// <summary>From the output's gradient to the inputs'; null once consumed.</summary>
    public Func<Tensor, Gradients>? Backward { get; private set; } = backward;

    /// <summary>The element type that <see cref="Pending"/> is collected in: the output's, or a wider one.</summary>
    public DType GradientType { get; set; } = output.DType;

    /// <summary>dL/d(output) as far as collected.</summary>
    public Tensor? Pending { get; set; }

    /// <summary>
    /// Gives back what only this operation needed: its saved tensors, and its result, unless that is a view of an input's
    /// memory. Everything computed from the result came later and has been differentiated already. Only memory that a step
    /// scope owns is touched: what a program keeps outside is the program's.
    /// </summary>
    public void Consume(bool keepOutput)
    {
        if (!keepOutput && Output.Storage.Scope is not null && !Inputs.Any(input => input?.Value.Storage == Output.Storage))
            Output.Storage.Release();
        Release(saved);
        (Inputs, Backward) = ([], null);
    }

    /// <summary>Gives back tensors that no backward function will read, as far as a step scope owns them.</summary>
    public static void Release(ReadOnlySpan<Tensor?> saved)
    {
        foreach (Tensor? tensor in saved)
            if (tensor?.Storage.Scope is not null) tensor.Storage.Release();
    }
}
