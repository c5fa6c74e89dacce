using System.Globalization;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>What a run's numbers say went wrong.</summary>
public enum OptimizerWarningKind
{
    /// <summary>lambda r above 1: a projected layer ended on the far side of its anchor.</summary>
    Overshoot,

    /// <summary>A randomly initialised layer is held to its random start.</summary>
    FreshAnchored,

    /// <summary>No layer was ever projected: it was the plain optimizer.</summary>
    NeverProjected,

    /// <summary>The condition is computed from differences that are rounded to 16 bits.</summary>
    NarrowDifference,

    /// <summary>An adapter's second factor never left zero: the adapter does nothing.</summary>
    AdapterAtZero,

    /// <summary>A parameter is frozen, but the optimizer keeps state for it.</summary>
    FrozenWithState,
}

/// <summary>Something that a user should know about a run.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Layer">The parameter, or null where it is about the whole run.</param>
/// <param name="Message">One sentence that names the layer, says what was seen, what it means and what to do.</param>
public sealed record OptimizerWarning(OptimizerWarningKind Kind, string? Layer, string Message);

/// <content>Guards: looked for when somebody asks, never in a step.</content>
public abstract partial class Optimizer
{
    // Before that many steps a weight that is still zero means nothing.
    const int StepsToJudge = 20;

    // A rounding of the anchor by this share of the deviation turns c's sign now and then.
    const double NarrowShare = 0.01;

    /// <summary>
    /// What the steps so far give reason to warn of, layer by layer; each warning is there as long as its cause. It reads the trace, and the
    /// weights of adapters, from the device: call it at the end of a run or now and then.
    /// </summary>
    public IReadOnlyList<OptimizerWarning> Warnings() =>
        [.. FreshAnchored(), .. Narrow(), .. Projection?.Trace.Found ?? [], .. AdaptersAtZero(), .. Frozen()];

    IEnumerable<OptimizerWarning> FreshAnchored()
    {
        if (!UsesAnchors) yield break;
        foreach (ArenaSegment segment in Arena.Segments)
            if (segment.IsAnchored && segment.Parameter is { IsFresh: true, ZeroAnchor: false })
                yield return new(OptimizerWarningKind.FreshAnchored, segment.Name,
                    $"{segment.Name}: it starts random and is anchored there, which holds it to noise; leave it out with an anchor exclusion, or train the head first (LP-FT).");
    }

    IEnumerable<OptimizerWarning> Narrow()
    {
        if (Projection is null || Projection.Trace.StepCount == 0 || Arena.Store!.Storage != AnchorStorage.BFloat16) yield break;
        IReadOnlyList<SpdTraceRow> latest = Projection.Trace.Latest;
        foreach (ArenaSegment segment in Arena.Segments)
        {
            double lost = Arena.Store.LossOf(segment), deviation = latest[segment.Index].Deviation;
            if (segment.IsAnchored && lost > NarrowShare * deviation)
                yield return new(OptimizerWarningKind.NarrowDifference, segment.Name, string.Create(CultureInfo.InvariantCulture,
                    $"{segment.Name}: its anchor was rounded to 16 bits by {lost:G3} and the layer is {deviation:G3} from it, so c is computed from rounding errors; keep the anchors in float32 or on the host."));
        }
    }

    IEnumerable<OptimizerWarning> AdaptersAtZero()
    {
        if (StepCount < StepsToJudge) yield break;
        foreach (ArenaSegment segment in Arena.Segments)
        {
            if (!segment.Parameter.ZeroAnchor || segment.Length == 0) continue;
            using StepScope scope = StepScope.Begin();
            if (Reduction.SumOfSquares(segment.Parameter.Value).Item() == 0)
                yield return new(OptimizerWarningKind.AdapterAtZero, segment.Name,
                    $"{segment.Name}: still zero after {StepCount} steps: the adapter has learned nothing; is it used in the forward pass, and the learning rate above 0?");
        }
    }

    IEnumerable<OptimizerWarning> Frozen()
    {
        foreach (ArenaSegment segment in Arena.Segments)
            if (!segment.Parameter.Trainable)
                yield return new(OptimizerWarningKind.FrozenWithState, segment.Name, string.Create(CultureInfo.InvariantCulture,
                    $"{segment.Name}: it is frozen, yet the optimizer keeps {(states.Length + 1) * 4L * segment.Length:N0} bytes of state and gradient for it; freeze before the arena is made."));
    }
}
