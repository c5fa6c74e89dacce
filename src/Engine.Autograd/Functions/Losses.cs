using Engine.Tensors;

namespace Engine.Autograd;

// Losses, all as the mean; predictions of 16 bits are widened to float32.
public static partial class Functions
{
    /// <summary>-log softmax(logits)[target], averaged over the targets that count.</summary>
    /// <param name="logits">[N, C], or [N, C, ...] with one target a position</param>
    /// <param name="targets">int32 or int64 [N], or [N, ...]</param>
    /// <param name="options">Which target counts nothing; label smoothing.</param>
    /// <param name="classWeights">[C]: what a target of each class counts; null for 1.</param>
    /// <returns>[]</returns>
    /// <exception cref="ShapeException">The shapes do not fit, or a target is no class.</exception>
    public static Variable CrossEntropy(
        Variable logits, Tensor targets, CrossEntropyOptions? options = null, Tensor? classWeights = null)
    {
        logits = Tape.Widen(logits);
        (Tensor loss, CrossEntropySaved kept) = Losses.CrossEntropy(logits.Value, targets, classWeights, options);
        Tensor? converted = kept.Targets.Storage == targets.Storage ? null : kept.Targets;      // the caller's own stay
        return Tape.Record(
            loss,
            [logits],
            dy => Losses.CrossEntropyGradient(dy, logits.Value, classWeights, options, kept),
            saved: [converted, kept.TotalWeight, kept.LogSumExp]);
    }

    /// <summary>(x - target)^2, averaged.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    public static Variable MeanSquaredError(Variable x, Variable target) => Mean(Binary(new SquaredError(), Tape.Widen(x), Tape.Widen(target)));

    /// <summary>-target log sigmoid(x) - (1 - target) log(1 - sigmoid(x)), averaged, computed without overflow.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    public static Variable BinaryCrossEntropyWithLogits(Variable x, Variable target) =>
        Mean(Binary(new BinaryCrossEntropyWithLogits(), Tape.Widen(x), Tape.Widen(target)));
}
