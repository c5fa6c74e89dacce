namespace Engine.Training;

/// <summary>Keeps what a run reports, so that its curves can be drawn, and passes it on.</summary>
/// <param name="next">Who is told besides.</param>
public sealed class RunHistory(IProgress<TrainingProgress>? next = null) : IProgress<TrainingProgress>
{
    // A curve needs no more points than a screen has columns.
    const int MostPoints = 4000;

    readonly List<(string Name, List<RunPoint> Points, List<RunValidation> Validations)> phases = [];

    /// <summary>Begins with what an earlier process recorded, up to a step.</summary>
    public void Take(RunRecord earlier, long lastStep)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        foreach (RunCurve curve in earlier.Curves)
            phases.Add((curve.Name, [.. curve.Points.Where(point => point.Step <= lastStep)], [.. curve.Validations.Where(result => result.Step <= lastStep)]));
    }

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        ArgumentNullException.ThrowIfNull(value);
        next?.Report(value);
        int index = phases.FindIndex(phase => phase.Name == value.Phase);
        if (index < 0)
        {
            index = phases.Count;
            phases.Add((value.Phase, [], []));
        }

        (_, List<RunPoint> points, List<RunValidation> validations) = phases[index];
        if (double.IsFinite(value.Loss) && (points.Count == 0 || points[^1].Step < value.Step)) points.Add(new(value.Step, value.Loss, value.Accuracy, value.LearningRate));
        if (value.Validation is { } measured) validations.Add(new(value.Step, measured.Loss, measured.Score, measured.Summary));
        if (points.Count >= MostPoints) Thin(points);
    }

    /// <summary>The curves so far.</summary>
    public IReadOnlyList<RunCurve> Curves() => [.. phases.Select(phase => new RunCurve(phase.Name, [.. phase.Points], [.. phase.Validations]))];

    // Two points become one, their losses weighed by the steps they stand for.
    static void Thin(List<RunPoint> points)
    {
        List<RunPoint> half = [];
        for (int i = 0; i + 1 < points.Count; i += 2)
        {
            int before = i == 0 ? 0 : points[i - 1].Step;
            double share = (double)(points[i].Step - before) / Math.Max(points[i + 1].Step - before, 1);
            half.Add(points[i + 1] with
            {
                Loss = share * points[i].Loss + (1 - share) * points[i + 1].Loss,
                Accuracy = share * points[i].Accuracy + (1 - share) * points[i + 1].Accuracy,
            });
        }

        points.Clear();
        points.AddRange(half);
    }
}
