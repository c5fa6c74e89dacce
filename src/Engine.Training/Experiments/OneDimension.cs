using Engine.Autograd;
using Engine.Optim;
using Engine.Tensors;
using ScottPlot;

namespace Engine.Training;

/// <summary>
/// Selective projection with one weight, where everything can be seen: the loss (w - 1)^2 / 2, from the anchor 0, by SGD with
/// momentum 0.9. The engine's own optimizer does the steps.
/// </summary>
public static class OneDimension
{
    const double Optimum = 1;

    /// <summary>Takes some steps.</summary>
    /// <param name="steps">How many.</param>
    /// <param name="lambda">The projection's strength; 0 is plain momentum.</param>
    /// <param name="learningRate">The step size.</param>
    public static IReadOnlyList<OneDimensionStep> Run(int steps, double lambda, double learningRate = 0.1)
    {
        Parameter weight = new("w", Tensor.Zeros([1])) { IsFresh = false };
        Sgd optimizer = new(new([weight]), new() { LearningRate = learningRate, Momentum = 0.9, Projection = new() { Lambda = lambda } });
        List<OneDimensionStep> taken = [];
        for (int step = 1; step <= steps; step++)
        {
            using StepScope scope = StepScope.Begin();
            double before = weight.Value.ToArray<float>()[0], gradient = before - Optimum;
            optimizer.ZeroGradients();
            weight.Backward(Tensor.From([(float)gradient], [1]));
            optimizer.Step();
            SpdTraceRow row = optimizer.Projection!.Trace.Latest[0];
            double after = weight.Value.ToArray<float>()[0], candidate = row.Scale == 1 ? double.NaN : after / (1 - row.Scale);
            taken.Add(new(step, before, gradient, row.Condition, candidate, row.Ratio, row.Projected, after));
        }

        return taken;
    }

    /// <summary>Draws the weight over the steps, with and without projection; the file appears only when whole.</summary>
    public static void Save(string path, IReadOnlyList<OneDimensionStep> plain, IReadOnlyList<OneDimensionStep> projected)
    {
        using Plot plot = new();
        plot.Font.Set(Fonts.Sans);
        plot.Title("one weight, anchored at 0, with the lowest loss at 1");
        plot.XLabel("step");
        plot.YLabel("w");
        foreach (OneDimensionStep step in projected.Where(step => step.Projected))
            plot.Add.HorizontalSpan(step.Number - 0.5, step.Number + 0.5, Color.FromHex("#f0a352").WithAlpha(0.3));
        Line(plot, plain, Color.FromHex("#6b7580"), "momentum 0.9");
        Line(plot, projected, Color.FromHex("#0b6bcb"), "with selective projection, lambda 1");
        ScottPlot.Plottables.HorizontalLine best = plot.Add.HorizontalLine(Optimum, 1, Colors.Black.WithAlpha(0.5), LinePattern.Dashed);
        best.LegendText = "lowest loss";
        plot.Legend.ManualItems.Add(new() { LabelText = "c < 0 and a step outward: projected", FillColor = Color.FromHex("#f0a352").WithAlpha(0.5), MarkerShape = MarkerShape.None });
        plot.Axes.SetLimits(0, plain.Count + 1, -0.1, 1.8);
        plot.Grid.MajorLineColor = Colors.Black.WithAlpha(0.08);
        plot.Axes.Right.FrameLineStyle.Width = plot.Axes.Top.FrameLineStyle.Width = 0;
        plot.Legend.OutlineWidth = 0;
        plot.Legend.ShadowColor = Colors.Transparent;
        plot.ShowLegend(ScottPlot.Edge.Bottom);
        byte[] image = plot.GetImage(900, 480).GetImageBytes(ImageFormat.Png);
        WholeFile.Write(path, stream => stream.Write(image));
    }

    static void Line(Plot plot, IReadOnlyList<OneDimensionStep> steps, Color colour, string legend)
    {
        ScottPlot.Plottables.Scatter line = plot.Add.Scatter(
            (double[])[0, .. steps.Select(step => (double)step.Number)], (double[])[steps[0].Before, .. steps.Select(step => step.After)], colour);
        (line.LineWidth, line.MarkerSize, line.LegendText) = (2, 5, legend);
    }
}

/// <summary>A step with one weight, whose anchor is 0.</summary>
/// <param name="Number">1 the first.</param><param name="Before">w.</param><param name="Gradient">g, at w.</param><param name="Condition">c = -g w.</param>
/// <param name="Candidate">u, where momentum would go.</param><param name="Ratio">r.</param><param name="Projected">True if it was pulled back.</param><param name="After">w after the step.</param>
public readonly record struct OneDimensionStep(
    int Number, double Before, double Gradient, double Condition, double Candidate, double Ratio, bool Projected, double After);
