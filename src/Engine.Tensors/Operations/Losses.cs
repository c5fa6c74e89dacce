namespace Engine.Tensors;

/// <summary>What <see cref="Losses.CrossEntropy"/> keeps for its gradient.</summary>
/// <param name="Targets">int32 [R], in the order of the rows.</param>
/// <param name="TotalWeight">What all rows together count, [].</param>
/// <param name="LogSumExp">Of each row of logits, [R].</param>
public readonly record struct CrossEntropySaved(Tensor Targets, Tensor TotalWeight, Tensor LogSumExp);

/// <summary>Losses that are more than an elementwise formula.</summary>
public static class Losses
{
    /// <summary>
    /// Cross-entropy of logits against class indices, averaged with the rows' weights: torch's <c>F.cross_entropy</c>. NaN where
    /// no row counts.
    /// </summary>
    /// <param name="logits">[N, C], or [N, C, d1, ...] with a target at every place, or [C].</param>
    /// <param name="targets">int32 or int64: the shape of logits without C.</param>
    /// <param name="classWeights">[C], what a row of each class counts; null for ones.</param>
    /// <param name="options">The ignored target and the label smoothing.</param>
    /// <returns>The loss, [], and what the gradient needs.</returns>
    /// <exception cref="ShapeException">The shapes or element types do not fit, or a target is no class.</exception>
    public static (Tensor Loss, CrossEntropySaved Saved) CrossEntropy(Tensor logits, Tensor targets, Tensor? classWeights = null, CrossEntropyOptions? options = null)
    {
        CrossEntropyOptions chosen = options ?? new();
        int axis = Check(logits, targets, classWeights, chosen);
        Tensor rows = Rows(logits, axis), labels = Require.Index("CrossEntropy", targets, logits).Contiguous().Reshape(checked((int)targets.ElementCount));
        int count = rows.Shape[0];
        Tensor losses = logits.EmptyLike([count]), weights = logits.EmptyLike([count]), logSumExp = logits.EmptyLike([count]);
        if (count > 0) logits.Backend.CrossEntropy(rows, labels, classWeights, chosen, losses, weights, logSumExp);
        Tensor loss = Reduction.Sum(losses), total = Reduction.Sum(weights);
        Elementwise.MapInto(default(Divide), loss, total, loss);
        losses.Release();
        weights.Release();
        return (loss, new(labels, total, logSumExp));
    }

    /// <summary>The gradient of <see cref="CrossEntropy"/>.</summary>
    /// <param name="dloss">[]</param>
    /// <param name="logits">As given to CrossEntropy.</param>
    /// <param name="classWeights">As given to CrossEntropy.</param>
    /// <param name="options">As given to CrossEntropy.</param>
    /// <param name="saved">What CrossEntropy returned.</param>
    /// <returns>logits' shape.</returns>
    /// <exception cref="ShapeException">dloss is no single number, or logits are not those of the loss.</exception>
    public static Tensor CrossEntropyGradient(Tensor dloss, Tensor logits, Tensor? classWeights, CrossEntropyOptions? options, CrossEntropySaved saved)
    {
        Require.Alike("CrossEntropyGradient", dloss, logits);
        Require.Shape("CrossEntropyGradient", "dloss", dloss, []);
        int axis = ClassAxis(logits);
        Tensor rows = Rows(logits, axis), dlogits = rows.EmptyLike();
        Require.Shape("CrossEntropyGradient", "the saved logSumExp", saved.LogSumExp, [rows.Shape[0]]);
        if (dlogits.ElementCount > 0)
        {
            Tensor scale = Elementwise.Map<Divide>(dloss, saved.TotalWeight);
            logits.Backend.CrossEntropyGradient(scale.Expand([rows.Shape[0]]), rows, saved.Targets, classWeights, options ?? new(), saved.LogSumExp, dlogits);
        }

        return Unrows(dlogits, logits.Shape, axis);
    }

    static int Check(Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options)
    {
        ArgumentNullException.ThrowIfNull(targets);
        Require.Arithmetic("CrossEntropy", logits);
        int axis = ClassAxis(logits);
        if (targets.Shape != logits.Shape.Without(axis))
            throw new ShapeException($"CrossEntropy: targets are {targets.Shape}, logits {logits.Shape} need {logits.Shape.Without(axis)}.");
        if (options.LabelSmoothing is not (>= 0 and <= 1))
            throw new ShapeException($"CrossEntropy: label smoothing {options.LabelSmoothing} is not between 0 and 1.");
        if (logits.Shape[axis] == 0 && targets.ElementCount > 0)
            throw new ShapeException($"CrossEntropy: logits {logits.Shape} have no classes.");
        if (classWeights is null) return axis;
        Require.Alike("CrossEntropy", logits, classWeights);
        Require.Shape("CrossEntropy", "classWeights", classWeights, [logits.Shape[axis]]);
        return axis;
    }

    static int ClassAxis(Tensor logits) => logits.Rank switch
    {
        0 => throw new ShapeException($"CrossEntropy: logits are {logits.Shape}, expected [N, C], [N, C, d1, ...] or [C]."),
        1 => 0,
        _ => 1,
    };

    // [N, C, d1, ...] -> [N * d1 * ..., C]
    static Tensor Rows(Tensor logits, int axis)
    {
        Tensor last = logits;
        for (int i = axis; i < logits.Rank - 1; i++) last = last.Transpose(i, i + 1);
        int classes = logits.Shape[axis];
        return last.Contiguous().Reshape(checked((int)logits.Shape.Without(axis).ElementCount), classes);
    }

    static Tensor Unrows(Tensor rows, Shape shape, int axis)
    {
        Tensor last = rows.Reshape(Shape.Create([.. shape.Without(axis).AsSpan(), shape[axis]]));
        for (int i = shape.Rank - 1; i > axis; i--) last = last.Transpose(i - 1, i);
        return last;
    }
}
