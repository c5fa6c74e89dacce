using Engine.Tensors;

namespace Engine.Autograd;

/// <summary>
/// One walk from a result back to the leaves. Gradients on the way belong to a scope of their own and return to the pool
/// as soon as the last operation that waits for them has run.
/// </summary>
sealed class BackwardPass(Variable root, bool retain) : IDisposable
{
    readonly List<Node> nodes = NodesBelow(root);
    readonly StepScope temporaries = StepScope.Begin();
    readonly Dictionary<Variable, Tensor> hookedLeaves = [];

    /// <summary>The sequence number of the first operation it goes back to.</summary>
    public long Earliest => nodes.Count > 0 ? nodes[^1].Sequence : long.MaxValue;

    public void Run(Tensor gradient)
    {
        Distribute([root], gradient);
        foreach (Node node in nodes) Step(node);
        foreach ((Variable leaf, Tensor sum) in hookedLeaves) Keep(leaf, leaf.ApplyHooks(sum));
    }

    public void Dispose()
    {
        foreach (Node node in nodes) node.Pending = null;
        temporaries.Dispose();
    }

    // The latest first: every node's gradient is complete before the node is reached. An explicit stack, so that a long
    // chain does not overflow the thread's.
    static List<Node> NodesBelow(Variable root)
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
            foreach (Variable? input in node.Inputs)
                if (input?.Producer is { } producer) open.Push(producer);
        }

        nodes.Sort((a, b) => b.Sequence.CompareTo(a.Sequence));
        return nodes;
    }

    void Step(Node node)
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
                    Drop(dy);
                    dy = replaced;
                }

                if (result.KeepsGradient) Keep(result, dy);
            }

            Distribute(node.Inputs, Checked(node, node.Backward!(dy)));
            Drop(dy);
        }

        if (!retain) node.Consume(keepOutput: node.Output.Storage == root.Value.Storage);
    }

    static ReadOnlySpan<Tensor?> Checked(Node node, Gradients gradients)
    {
        ReadOnlySpan<Tensor?> tensors = gradients.Tensors;
        if (tensors.Length != node.Inputs.Length)
            throw new GradientException($"Backward: {node.Operation} has {node.Inputs.Length} inputs and returned {tensors.Length} gradients.");
        for (int i = 0; i < tensors.Length; i++)
        {
            if (tensors[i] is not { } gradient || node.Inputs[i] is not { } input) continue;
            if (gradient.Shape != input.Shape)
                throw new GradientException($"Backward: {node.Operation} returned a gradient of {gradient.Shape} for an input of {input.Shape}.");
            if (Tape.ChecksNumbers) Tape.CheckNumbers(gradient, $"the gradient of {node.Operation}", node.Inputs);
        }

        return tensors;
    }

    // Hands each input its gradient. Holds count who still refers to a gradient's memory: one tensor may go to several
    // inputs (an addition hands the same one to both), and it returns to the pool when the last of them is done with it.
    void Distribute(ReadOnlySpan<Variable?> inputs, params ReadOnlySpan<Tensor?> gradients)
    {
        foreach (Tensor? gradient in gradients)
            if (gradient is not null) gradient.Storage.Holds++;
        for (int i = 0; i < inputs.Length; i++)
            if (gradients[i] is { } gradient && inputs[i] is { RequiresGradient: true } input) Collect(input, gradient);
        foreach (Tensor? gradient in gradients)
            if (gradient is not null) Drop(gradient);
    }

    // Adds a gradient to what its variable has so far. A leaf keeps it at once, unless a hook waits for the whole.
    void Collect(Variable variable, Tensor gradient)
    {
        if (variable.Producer is { } node)
            node.Pending = Sum(node.Pending, gradient, node.GradientType);
        else if (variable.HasHooks)
            hookedLeaves[variable] = Sum(hookedLeaves.GetValueOrDefault(variable), gradient, variable.Value.DType);
        else
            Keep(variable, gradient);
    }

    // In place where this pass made the memory and nobody else holds it. What sums over 16-bit elements left in float32 is rounded
    // here, where it goes on to a result of 16 bits.
    Tensor Sum(Tensor? sum, Tensor given, DType type)
    {
        Tensor gradient = given.To(type);
        if (sum is not null && sum.Storage.Holds == 1 && sum.Storage.Scope == temporaries && sum.IsContiguous)
        {
            Elementwise.MapInto(new Add(), sum, gradient, sum);
            if (gradient != given) gradient.Release();
            return sum;
        }

        Tensor result = sum is null ? gradient : Elementwise.Map(new Add(), sum, gradient);
        result.Storage.Holds++;
        if (sum is not null) Drop(sum);
        return result;
    }

    void Keep(Variable variable, Tensor gradient)
    {
        variable.AccumulateGradient(gradient);
        if (variable.Gradient is { } kept) temporaries.Keep(kept);
    }

    void Drop(Tensor gradient)
    {
        if (--gradient.Storage.Holds == 0 && gradient.Storage.Scope == temporaries) gradient.Storage.Release();
    }
}
