using System.Globalization;

namespace Engine.Training;

/// <summary>How well a classifier does on a set of images.</summary>
public sealed class ClassificationResult : Measurement
{
    readonly int[] confusion;

    /// <summary>A result from the counts of a confusion matrix.</summary>
    /// <param name="classNames">The classes, in the order of the labels.</param>
    /// <param name="confusion">[classes, classes] row-major: how many images of the row's class were taken for the column's.</param>
    /// <param name="loss">The mean cross-entropy.</param>
    /// <param name="elapsed">How long it took.</param>
    public ClassificationResult(IReadOnlyList<string> classNames, int[] confusion, double loss, TimeSpan elapsed)
    {
        ArgumentNullException.ThrowIfNull(classNames);
        ArgumentNullException.ThrowIfNull(confusion);
        if (confusion.Length != classNames.Count * classNames.Count)
            throw new ArgumentException($"{classNames.Count} classes need {classNames.Count * classNames.Count} counts, {confusion.Length} given.", nameof(confusion));
        this.confusion = confusion;
        (ClassNames, Loss, Elapsed) = (classNames, loss, elapsed);
        for (int c = 0; c < classNames.Count; c++) Correct += Confusion(c, c);
        Count = confusion.Sum();
    }

    /// <summary>The classes, in the order of the labels.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Images seen.</summary>
    public int Count { get; }

    /// <summary>Images classified rightly.</summary>
    public int Correct { get; }

    /// <summary>The share classified rightly, 0 to 1.</summary>
    public double Accuracy => Count == 0 ? double.NaN : (double)Correct / Count;

    /// <inheritdoc/>
    public override double Loss { get; }

    /// <inheritdoc/>
    public override double Score => Accuracy;

    /// <inheritdoc/>
    public override string ScoreName => "accuracy";

    /// <inheritdoc/>
    public override string Summary => string.Create(CultureInfo.InvariantCulture, $"accuracy {100 * Accuracy:F1} %");

    /// <inheritdoc/>
    public override TimeSpan Elapsed { get; }

    /// <summary>How many images of one class were taken for another.</summary>
    public int Confusion(int actual, int predicted) => confusion[actual * ClassNames.Count + predicted];

    /// <summary>Images of a class.</summary>
    public int CountOf(int actual)
    {
        int count = 0;
        for (int predicted = 0; predicted < ClassNames.Count; predicted++) count += Confusion(actual, predicted);
        return count;
    }

    /// <summary>The share of a class's images that was classified rightly; NaN where there are none.</summary>
    public double AccuracyOf(int actual) => CountOf(actual) is var count and > 0 ? (double)Confusion(actual, actual) / count : double.NaN;
}
