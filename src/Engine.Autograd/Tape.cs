using System.Runtime.CompilerServices;
using Engine.Tensors;

namespace Engine.Autograd;

/// <summary>Records operations as they run, and plays them backwards.</summary>
public static class Tape
{
    static long sequence;

    [ThreadStatic]
    static int paused;

    [ThreadStatic]
    static bool checksNumbers;

    /// <summary>False inside <see cref="NoGradient"/>.</summary>
    public static bool IsRecording => paused == 0;

    /// <summary>
    /// Checks every result and every gradient of this thread for NaN and infinity, and throws at the first, naming the
    /// operation. It waits for the device after each operation: for finding a fault, not for training.
    /// </summary>
    public static bool ChecksNumbers
    {
        get => checksNumbers;
        set => checksNumbers = value;
    }

    /// <summary>Until disposed, this thread records nothing: evaluation without the memory of training.</summary>
    public static Pause NoGradient() => new();

    /// <summary>Ends the pause that <see cref="NoGradient"/> began.</summary>
    public sealed class Pause : IDisposable
    {
        bool ended;

        internal Pause() => paused++;

        /// <summary>Records again.</summary>
        public void Dispose()
        {
            if (!ended) paused--;
            ended = true;
        }
    }

    /// <summary>Makes a result differentiable. This is all that an operation, built in or your own, has to call.</summary>
    /// <param name="value">The result.</param>
    /// <param name="inputs">What it was computed from.</param>
    /// <param name="backward">
    /// From dL/d(result) to the inputs' gradients, in order; null for one that needs none (ask
    /// <see cref="Variable.RequiresGradient"/>). It must not change the tensor it is given.
    /// </param>
    /// <param name="saved">Tensors that only the backward function needs; their memory returns as soon as it has run.</param>
    /// <param name="operation">The name for messages; the calling method's by default.</param>
    public static Variable Record(
        Tensor value,
        ReadOnlySpan<Variable> inputs,
        Func<Tensor, Gradients> backward,
        Tensor?[]? saved = null,
        [CallerMemberName] string operation = "")
    {
        ArgumentNullException.ThrowIfNull(value);
        ArgumentNullException.ThrowIfNull(backward);
        if (checksNumbers) CheckNumbers(value, operation, inputs);
        if (paused > 0 || !AnyRequiresGradient(inputs))
            return new Variable(value);
        Node node = new(Interlocked.Increment(ref sequence), operation, value, inputs.ToArray(), backward, saved ?? []);
        Variable result = new(value, node);
        node.Result = new(result);
        return result;
    }

    static bool AnyRequiresGradient(ReadOnlySpan<Variable> inputs)
    {
        foreach (Variable input in inputs)
            if (input.RequiresGradient) return true;
        return false;
    }

    internal static void Backward(Variable root, Tensor? gradient, bool retain)
    {
        if (!root.RequiresGradient)
            throw new GradientException("Backward: nothing this was computed from requires a gradient.");
        if (gradient is null && root.Value.ElementCount != 1)
            throw new GradientException($"Backward: a result of shape {root.Shape} needs a gradient of that shape to start from.");
        if (gradient is not null && gradient.Shape != root.Shape)
            throw new GradientException($"Backward: the result is {root.Shape}, the gradient given {gradient.Shape}.");

        using StepScope temporaries = StepScope.Begin();
        Distribute([root], gradient ?? Tensor.Ones(root.Shape, root.Value.DType, root.Value.Device), temporaries);
        foreach (Node node in NodesOf(root)) Step(node, root, retain, temporaries);
    }

    // The nodes below the root, the latest first: every node's gradient is complete before the node is reached. An
    // explicit stack, so that a long chain does not overflow the thread's.
    static List<Node> NodesOf(Variable root)
    {
        List<Node> nodes = [];
        HashSet<Node> seen = [];
        Stack<Node> open = new();
        if (root.Producer is { } start) open.Push(start);
        while (open.TryPop(out Node? node))
        {
            if (!seen.Add(node)) continue;
            if (node.Backward is null)
                throw new GradientException($"Backward: the graph below {node.Operation} was consumed by an earlier pass; call Backward(retain: true) there.");
            nodes.Add(node);
            foreach (Variable input in node.Inputs)
                if (input.Producer is { } producer) open.Push(producer);
        }

        nodes.Sort((a, b) => b.Sequence.CompareTo(a.Sequence));
        return nodes;
    }

    static void Step(Node node, Variable root, bool retain, StepScope temporaries)
    {
        if (node.Pending is { } dy)
        {
            node.Pending = null;
            if (node.Result!.TryGetTarget(out Variable? result))
            {
                Tensor replaced = result.ApplyHooks(dy);
                if (replaced != dy)
                {
                    replaced.Storage.Holds++;
                    Drop(dy, temporaries);
                    dy = replaced;
                }

                if (result.KeepsGradient) Keep(result, dy, temporaries);
            }

            Distribute(node.Inputs, Checked(node, node.Backward!(dy)), temporaries);
            Drop(dy, temporaries);
        }

        if (!retain) node.Consume(keepOutput: node == root.Producer);
    }

    static Gradients Checked(Node node, Gradients gradients)
    {
        ReadOnlySpan<Tensor?> tensors = gradients.Tensors;
        if (tensors.Length != node.Inputs.Length)
            throw new GradientException($"Backward: {node.Operation} has {node.Inputs.Length} inputs and returned {tensors.Length} gradients.");
        for (int i = 0; i < tensors.Length; i++)
        {
            if (tensors[i] is not { } gradient) continue;
            if (gradient.Shape != node.Inputs[i].Shape)
                throw new GradientException($"Backward: {node.Operation} returned a gradient of {gradient.Shape} for an input of {node.Inputs[i].Shape}.");
            if (checksNumbers) CheckNumbers(gradient, $"the gradient of {node.Operation}", node.Inputs);
        }

        return gradients;
    }

    // Hands each input its gradient. Holds count who still refers to a gradient's memory: one tensor may go to several
    // inputs (an addition hands the same one to both), and it returns to the pool when the last of them is done with it.
    static void Distribute(ReadOnlySpan<Variable> inputs, Gradients gradients, StepScope temporaries)
    {
        foreach (Tensor? gradient in gradients.Tensors)
            if (gradient is not null) gradient.Storage.Holds++;
        for (int i = 0; i < inputs.Length; i++)
            if (gradients.Tensors[i] is { } gradient && inputs[i].RequiresGradient) Collect(inputs[i], gradient, temporaries);
        foreach (Tensor? gradient in gradients.Tensors)
            if (gradient is not null) Drop(gradient, temporaries);
    }

    // Adds a gradient to what its variable has so far: in place where this pass made the memory and nobody else holds it.
    static void Collect(Variable variable, Tensor gradient, StepScope temporaries)
    {
        if (variable.Producer is not { } node)
        {
            Keep(variable, variable.ApplyHooks(gradient), temporaries);
            return;
        }

        if (node.Pending is not { } sum)
        {
            node.Pending = gradient;
            gradient.Storage.Holds++;
        }
        else if (sum.Storage.Holds == 1 && sum.Storage.Scope == temporaries && sum.IsContiguous)
        {
            Elementwise.MapInto(new Add(), sum, gradient, sum);
        }
        else
        {
            node.Pending = Elementwise.Map(new Add(), sum, gradient);
            node.Pending.Storage.Holds++;
            Drop(sum, temporaries);
        }
    }

    static void Keep(Variable variable, Tensor gradient, StepScope temporaries)
    {
        variable.AccumulateGradient(gradient);
        if (variable.Gradient is { } kept) temporaries.Keep(kept);
    }

    static void Drop(Tensor tensor, StepScope temporaries)
    {
        if (--tensor.Storage.Holds == 0) Recycle(tensor, temporaries);
    }

    static void Recycle(Tensor tensor, StepScope temporaries)
    {
        if (tensor.Storage.Scope == temporaries) tensor.Storage.Release();
    }

    // x * 0 is 0 for every finite x, so the sum tells of any other.
    static void CheckNumbers(Tensor value, string operation, ReadOnlySpan<Variable> inputs)
    {
        if (!value.DType.IsArithmetic() || value.ElementCount == 0) return;
        using StepScope temporaries = StepScope.Begin();
        if (Reduction.Sum(Elementwise.Map(new Scale(0), value)).Item() == 0) return;
        string shapes = string.Join(", ", inputs.ToArray().Select(input => input.Shape.ToString()));
        throw new GradientException($"NaN or infinity came out of {operation} (inputs {shapes}, result {value.Shape}).");
    }
}
