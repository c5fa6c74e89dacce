using System.Globalization;

namespace Engine.Training;

/// <summary>How well a segmenter does, from the counts of pixels of each class that were taken for each.</summary>
public sealed class SegmentationResult : Measurement
{
    readonly long[] confusion;

    /// <summary>A result from the counts of a confusion matrix.</summary>
    /// <param name="classNames">The classes, in the order of the labels.</param>
    /// <param name="confusion">[classes, classes] row-major: how many pixels of the row's class were taken for the column's; ignored ones are not among them.</param>
    /// <param name="loss">The mean cross-entropy of a pixel.</param>
    /// <param name="pictures">How many pictures there were.</param>
    /// <param name="elapsed">How long it took.</param>
    public SegmentationResult(IReadOnlyList<string> classNames, long[] confusion, double loss, int pictures, TimeSpan elapsed)
    {
        ArgumentNullException.ThrowIfNull(classNames);
        ArgumentNullException.ThrowIfNull(confusion);
        if (confusion.Length != classNames.Count * classNames.Count)
            throw new ArgumentException($"{classNames.Count} classes need {classNames.Count * classNames.Count} counts, {confusion.Length} given.", nameof(confusion));
        this.confusion = confusion;
        (ClassNames, Loss, Pictures, Elapsed) = (classNames, loss, pictures, elapsed);
        for (int c = 0; c < classNames.Count; c++)
            Correct += Confusion(c, c);
        Pixels = confusion.Sum();
    }

    /// <summary>The classes, in the order of the labels.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Pictures seen.</summary>
    public int Pictures { get; }

    /// <summary>Pixels with a label that counts.</summary>
    public long Pixels { get; }

    /// <summary>Those of them that were named rightly.</summary>
    public long Correct { get; }

    /// <summary>The share of pixels named rightly, 0 to 1; NaN where there are none.</summary>
    public double PixelAccuracy => Pixels == 0 ? double.NaN : (double)Correct / Pixels;

    /// <summary>
    /// Mean intersection over union: <see cref="IoU"/> over the classes that occur, in the labels or in what was predicted;
    /// NaN where none does.
    /// </summary>
    public double MeanIoU
    {
        get
        {
            double sum = 0;
            int classes = 0;
            for (int c = 0; c < ClassNames.Count; c++)
                if (IoU(c) is var value && !double.IsNaN(value))
                    (sum, classes) = (sum + value, classes + 1);
            return classes == 0 ? double.NaN : sum / classes;
        }
    }

    /// <inheritdoc/>
    public override double Loss { get; }

    /// <inheritdoc/>
    public override double Score => MeanIoU;

    /// <inheritdoc/>
    public override string ScoreName => "mIoU";

    /// <inheritdoc/>
    public override string Summary => string.Create(CultureInfo.InvariantCulture, $"mIoU {100 * MeanIoU:F1} %, pixel accuracy {100 * PixelAccuracy:F1} %");

    /// <inheritdoc/>
    public override TimeSpan Elapsed { get; }

    /// <summary>How many pixels of one class were taken for another.</summary>
    public long Confusion(int actual, int predicted) => confusion[actual * ClassNames.Count + predicted];

    /// <summary>Pixels of a class.</summary>
    public long CountOf(int actual)
    {
        long count = 0;
        for (int predicted = 0; predicted < ClassNames.Count; predicted++)
            count += Confusion(actual, predicted);
        return count;
    }

    /// <summary>
    /// Intersection over union (the Jaccard index) of a class: pixels rightly so named, over those that are of the class or were
    /// taken for it; NaN where there are none.
    /// </summary>
    public double IoU(int label)
    {
        long predicted = 0;
        for (int actual = 0; actual < ClassNames.Count; actual++)
            predicted += Confusion(actual, label);
        long hits = Confusion(label, label), union = CountOf(label) + predicted - hits;
        return union == 0 ? double.NaN : (double)hits / union;
    }

    /// <summary>The share of a class's pixels that was named rightly; NaN where there are none.</summary>
    public double AccuracyOf(int actual) => CountOf(actual) is var count and > 0 ? (double)Confusion(actual, actual) / count : double.NaN;
}
