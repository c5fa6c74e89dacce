using ScottPlot;

namespace Engine.Training;

/// <summary>One fine-tuned model in a picture of accuracy against deviation.</summary>
/// <param name="Series">Which method; models of one series share a colour.</param>
/// <param name="Deviation">|W - W0| over all parameters.</param>
/// <param name="InDistribution">Accuracy on the domain that was trained on, 0 to 1.</param>
/// <param name="OutOfDistribution">Mean accuracy on the other domains, 0 to 1.</param>
public readonly record struct AccuracyPoint(string Series, double Deviation, double InDistribution, double OutOfDistribution);

/// <summary>Draws how accuracy, at home and elsewhere, goes with the distance from the pre-trained weights.</summary>
public static class AccuracyPlot
{
    static readonly Color[] Palette = [Color.FromHex("#c44e52"), Color.FromHex("#4c72b0"), Color.FromHex("#55a868"), Color.FromHex("#8172b3")];

    /// <summary>Saves the picture as a PNG; the file appears only when whole.</summary>
    /// <param name="path">Where.</param>
    /// <param name="title">Its heading.</param>
    /// <param name="points">The models.</param>
    /// <param name="pretrained">The model all started from: deviation 0.</param>
    public static void Save(string path, string title, IReadOnlyList<AccuracyPoint> points, AccuracyPoint pretrained)
    {
        ArgumentNullException.ThrowIfNull(points);
        using Plot plot = new();
        plot.Font.Set(Fonts.Sans);
        plot.Title(title);
        plot.XLabel("deviation from the pre-trained weights  |W - W0|");
        plot.YLabel("accuracy, %");
        int next = 0;
        foreach (IGrouping<string, AccuracyPoint> series in points.GroupBy(point => point.Series))
        {
            Color colour = Palette[next++ % Palette.Length];
            Mark(plot, [.. series], point => point.InDistribution, colour, MarkerShape.FilledCircle, $"{series.Key}, fine-tuned domain");
            Mark(plot, [.. series], point => point.OutOfDistribution, colour, MarkerShape.OpenDiamond, $"{series.Key}, other domains");
        }

        Mark(plot, [pretrained], point => point.InDistribution, Colors.Black, MarkerShape.FilledCircle, $"{pretrained.Series}, fine-tuned domain");
        Mark(plot, [pretrained], point => point.OutOfDistribution, Colors.Black, MarkerShape.OpenDiamond, $"{pretrained.Series}, other domains");
        Frame(plot, [.. points, pretrained]);
        byte[] image = plot.GetImage(1000, 560).GetImageBytes(ImageFormat.Png);
        WholeFile.Write(path, stream => stream.Write(image));
    }

    // Whole tens of percent around the points: two runs' pictures can be laid side by side.
    static void Frame(Plot plot, AccuracyPoint[] points)
    {
        double[] accuracies = [.. points.SelectMany(point => (double[])[100 * point.InDistribution, 100 * point.OutOfDistribution])];
        double bottom = Math.Max(10 * Math.Floor((accuracies.Min() - 1) / 10), -2), top = Math.Min(10 * Math.Ceiling((accuracies.Max() + 1) / 10), 102);
        double right = Math.Max(points.Max(point => point.Deviation), 0.1);
        plot.Axes.SetLimits(-0.05 * right, 1.05 * right, bottom, top);
        plot.Grid.MajorLineColor = Colors.Black.WithAlpha(0.08);
        plot.Axes.Right.FrameLineStyle.Width = plot.Axes.Top.FrameLineStyle.Width = 0;
        plot.Legend.OutlineWidth = 0;
        plot.Legend.ShadowColor = Colors.Transparent;
        plot.ShowLegend(ScottPlot.Edge.Right);
    }

    static void Mark(Plot plot, AccuracyPoint[] points, Func<AccuracyPoint, double> accuracy, Color colour, MarkerShape shape, string legend)
    {
        double[] x = [.. points.Select(point => point.Deviation)], y = [.. points.Select(point => 100 * accuracy(point))];
        ScottPlot.Plottables.Scatter scatter = plot.Add.ScatterPoints(x, y, colour);
        (scatter.MarkerShape, scatter.MarkerSize, scatter.LegendText) = (shape, 11, legend);
        scatter.MarkerLineWidth = 2;
        scatter.MarkerLineColor = colour;
    }
}
