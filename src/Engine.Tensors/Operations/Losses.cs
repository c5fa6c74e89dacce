namespace Engine.Tensors;

/// <summary>Cross-entropy over logits, with its gradient.</summary>
public static class Losses
{
    /// <summary>What the gradient of <see cref="CrossEntropy"/> needs.</summary>
    /// <param name="TotalWeight">[1]: what all rows count together.</param>
    /// <param name="LogSumExp">[rows]</param>
    public readonly record struct CrossEntropyState(Tensor TotalWeight, Tensor LogSumExp);

    /// <summary>
    /// The mean of -log softmax(logits)[target], as torch defines it with label smoothing, class weights and an ignored
    /// target; NaN if every target is ignored.
    /// </summary>
    /// <param name="logits">[R, C]; or [B, C, d1, ...] or [B, d1, ..., C] against targets [B, d1, ...], the former where both fit.</param>
    /// <param name="targets">int32 or int64: the classes, without the class axis.</param>
    /// <param name="classWeights">[C] or null.</param>
    /// <param name="options">Label smoothing and the ignored target.</param>
    /// <returns>The loss [], and the state for the gradient.</returns>
    /// <exception cref="ShapeException">The shapes do not fit, or a target is no class.</exception>
    public static (Tensor Loss, CrossEntropyState State) CrossEntropy(Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options)
    {
        (Tensor rows, Tensor classes, _) = Rows("CrossEntropy", logits, targets, classWeights, options);
        Shape perRow = [rows.Shape[0]];
        Tensor losses = logits.EmptyLike(perRow), weights = logits.EmptyLike(perRow), logSumExp = logits.EmptyLike(perRow);
        if (rows.ElementCount > 0) logits.Backend.CrossEntropy(rows, classes, classWeights?.Contiguous(), options, losses, weights, logSumExp);
        Tensor total = Reduction.Sum(weights).Reshape(1);
        return (Elementwise.Map(new Divide(), Reduction.Sum(losses).Reshape(1), total).Reshape(Shape.Create([])), new(total, logSumExp));
    }

    /// <summary>dL/dlogits of <see cref="CrossEntropy"/>.</summary>
    /// <param name="dloss">[]: dL/dloss, on the device.</param>
    /// <param name="logits">As then.</param><param name="targets">As then.</param><param name="classWeights">As then.</param>
    /// <param name="options">As then.</param><param name="state">What came with the loss.</param>
    public static Tensor CrossEntropyGradient(
        Tensor dloss, Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, CrossEntropyState state)
    {
        (Tensor rows, Tensor classes, int axis) = Rows("CrossEntropyGradient", logits, targets, classWeights, options);
        Tensor drows = rows.EmptyLike();
        Tensor scale = Elementwise.Map(new Divide(), dloss.Reshape(1), state.TotalWeight).Expand([rows.Shape[0]]);
        if (drows.ElementCount > 0)
            logits.Backend.CrossEntropyGradient(scale, rows, classes, classWeights?.Contiguous(), options, state.LogSumExp, drows);
        Shape moved = [.. logits.Shape.Without(axis), logits.Shape[axis]];
        return MoveAxis(drows.Reshape(moved), logits.Rank - 1, axis);
    }

    // Logits as dense rows [R, C], targets as int32 [R], and where the class axis was.
    static (Tensor Rows, Tensor Classes, int Axis) Rows(string operation, Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options)
    {
        Require.Arithmetic(operation, logits);
        if (options.LabelSmoothing is not (>= 0 and <= 1))
            throw new ShapeException($"{operation}: label smoothing is {options.LabelSmoothing}, expected 0 to 1.");
        int axis = logits.Rank >= 2 && logits.Shape.Without(1) == targets.Shape ? 1
            : logits.Rank >= 1 && logits.Shape.Without(logits.Rank - 1) == targets.Shape ? logits.Rank - 1
            : throw new ShapeException($"{operation}: logits {logits.Shape} and targets {targets.Shape} do not fit: without its class axis the former must be the latter.");
        if (classWeights is not null)
        {
            Require.Alike(operation, logits, classWeights);
            Require.Shape(operation, "class weights", classWeights, [logits.Shape[axis]]);
        }

        int classes = logits.Shape[axis], count = (int)targets.ElementCount;
        Tensor rows = MoveAxis(logits, axis, logits.Rank - 1).Contiguous().Reshape(count, classes);
        return (rows, Require.Index(operation, targets, logits).Contiguous().Reshape(count), axis);
    }

    static Tensor MoveAxis(Tensor x, int from, int to)
    {
        if (from == to) return x;
        List<int> axes = [.. Enumerable.Range(0, x.Rank)];
        axes.RemoveAt(from);
        axes.Insert(to, from);
        return x.Permute([.. axes]);
    }
}
