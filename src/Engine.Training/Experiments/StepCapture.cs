using System.Globalization;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// Saves one optimizer step whole: weights, anchors, gradients and moments before it, weights after it, the rates, and what the
/// engine itself found. <see cref="ExplainedStep"/> reads it.
/// </summary>
/// <remarks>
/// Saving is simpler than replaying the run to that step from a saved state, which would need the model, the data and every
/// option once more; and the step can be looked at on another machine.
/// </remarks>
public sealed class StepCapture
{
    /// <summary>The folder, in a run's, that saved steps lie in.</summary>
    public const string Folder = "steps";

    internal const string Format = "engine step 1";

    readonly Dictionary<string, Tensor> tensors = [];

    /// <summary>The file of a step.</summary>
    public static string FileOf(string run, long step) => Path.Combine(run, Folder, string.Create(CultureInfo.InvariantCulture, $"step-{step:D6}.safetensors"));

    /// <summary>Copies what the step starts from: in <see cref="Trainer.StepReady"/>.</summary>
    public void Begin(Trainer trainer)
    {
        ArgumentNullException.ThrowIfNull(trainer);
        tensors.Clear();
        Take(trainer.Arena, "weight.", trainer.Arena.Weights);
        Take(trainer.Arena, "gradient.", trainer.Arena.Gradients, segment => segment.Parameter.HasGradient);
        if (trainer.Arena.Anchors is { } anchors) Take(trainer.Arena, "anchor.", anchors);
        for (int i = 0; i < trainer.Optimizer.States.Count; i++) Take(trainer.Arena, $"state{i}.", trainer.Optimizer.States[i]);
    }

    /// <summary>Adds what came of it, and writes the file: in <see cref="Trainer.StepFinished"/>.</summary>
    /// <param name="trainer">The trainer.</param>
    /// <param name="run">The run's folder.</param>
    public void Save(Trainer trainer, string run)
    {
        ArgumentNullException.ThrowIfNull(trainer);
        if (tensors.Count == 0) return;         // a batch without a prediction changed nothing
        Optimizer optimizer = trainer.Optimizer;
        Take(trainer.Arena, "after.", trainer.Arena.Weights);
        List<KeyValuePair<string, string>> texts =
        [
            new("format", Format),
            new("step", Text(optimizer.StepCount)),
            new("optimizer", optimizer.GetType().Name),
        ];
        if (optimizer is Adam { Options: var options })
        {
            texts.AddRange([new("beta one", Text(options.BetaOne)), new("beta two", Text(options.BetaTwo)), new("epsilon", Text(options.Epsilon)),
                new("amsgrad", options.AmsGrad ? "true" : "false"), new("weight decay", Text(options.WeightDecay))]);
        }

        foreach (ArenaSegment segment in trainer.Arena.Segments)
        {
            texts.Add(new($"learning rate: {segment.Name}", Text(optimizer.LearningRate * segment.Group.LearningRateScale)));
            texts.Add(new($"steps: {segment.Name}", Text(optimizer.StepsOf(segment))));
            if (optimizer.Projection is { } projection)
                texts.Add(new($"lambda: {segment.Name}", Text(segment.IsAnchored ? segment.Group.Lambda ?? projection.Lambda : 0)));
        }

        foreach (SpdTraceRow row in optimizer.Projection?.Trace.Latest ?? [])
            tensors[$"trace.{row.Segment}"] = Tensor.From([row.Condition, row.Ratio, row.Deviation, row.Scale, row.DeviationBefore, row.GradientNorm], [6]);
        string path = FileOf(run, optimizer.StepCount);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        TensorFile.Save(path, tensors, texts);
        tensors.Clear();
    }

    void Take(ParameterArena arena, string prefix, Tensor buffer, Func<ArenaSegment, bool>? includes = null)
    {
        // The step's own scope ends before the file is written.
        using StepScope outside = StepScope.Outside();
        Tensor copy = buffer.Clone();
        foreach (ArenaSegment segment in arena.Segments)
            if (includes?.Invoke(segment) ?? true) tensors[prefix + segment.Name] = arena.View(copy, segment);
    }

    static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
}
