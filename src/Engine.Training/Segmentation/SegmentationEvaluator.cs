using System.Diagnostics;
using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>How pictures of any size meet a segmenter when nothing is left to chance.</summary>
public sealed record SegmentationEvaluation
{
    /// <summary>
    /// Side of the square windows that slide over the picture, whose logits are averaged where they overlap; null shows the
    /// model the whole picture at once. A picture smaller than a window is one window.
    /// </summary>
    public int? Window { get; init; }

    /// <summary>From one window to the next, 1 to the window's side; null for two thirds of it.</summary>
    public int? Stride { get; init; }

    /// <summary>The shorter side that a picture is scaled to before; null for the preprocessing's size, 0 to leave it as it is.</summary>
    public int? Side { get; init; }

    /// <summary>The most pictures of one size that the model sees at once; large ones are fewer, so that their logits fit into memory.</summary>
    public int BatchSize { get; init; } = 8;

    /// <summary>Background threads that read files. Results do not depend on it.</summary>
    public int Threads { get; init; } = 1;

    internal int StrideOf(int window) => Stride ?? Math.Max(window * 2 / 3, 1);

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(BatchSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Threads);
        ArgumentOutOfRangeException.ThrowIfNegative(Side ?? 0, nameof(Side));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Window ?? 1, nameof(Window));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Stride ?? 1, nameof(Stride));
        if (Stride > Window)
            throw new ArgumentException($"SegmentationEvaluation: a stride of {Stride} leaves gaps between windows of {Window}.");
    }
}

/// <summary>
/// Names every pixel of pictures of any size, and measures how well: the picture is scaled, the model's logits are scaled back
/// to the picture's own size, bilinearly, and compared there.
/// </summary>
public sealed class SegmentationEvaluator
{
    const long MostLogits = 1 << 24;        // 64 MiB

    readonly Segmenter model;
    readonly Preprocessing preprocessing;
    readonly SegmentationEvaluation options;
    readonly Normalizer normalizer;

    /// <summary>Prepares.</summary>
    /// <param name="model">The segmenter; measuring leaves it in evaluation mode.</param>
    /// <param name="preprocessing">Size, filter and normalisation.</param>
    /// <param name="options">Whole pictures or windows; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    public SegmentationEvaluator(Segmenter model, Preprocessing preprocessing, SegmentationEvaluation? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(preprocessing);
        (this.model, this.preprocessing, this.options) = (model, preprocessing, options ?? new SegmentationEvaluation());
        this.options.Validate();
        normalizer = new Normalizer(preprocessing.Mean, preprocessing.Std);
    }

    /// <summary>The shorter side that pictures are scaled to; null where they stay as they are.</summary>
    public int? Side => (options.Side ?? preprocessing.Size) is var side and > 0 ? side : null;

    /// <summary>Names every pixel of one picture.</summary>
    /// <returns>A mask of the picture's own size.</returns>
    public LabelMask Predict(RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var pause = Tape.NoGradient();
        using var scope = StepScope.Begin();
        model.Evaluate();
        var logits = Logits([Scale(image)], image.Width, image.Height);
        return Masks(logits)[0];
    }

    /// <summary>Loss and confusion over a dataset, without gradients and with dropout off.</summary>
    /// <param name="data">Pictures and masks.</param>
    /// <param name="cancellation">Stops between two pictures.</param>
    /// <param name="progress">Hears what happens.</param>
    /// <param name="each">Called for every picture in order: its number, the sample, the prediction.</param>
    /// <exception cref="ShapeException">Data and model have not the same number of classes.</exception>
    public SegmentationResult Run(
        ISegmentationDataset data, CancellationToken cancellation = default, IProgress<TrainingProgress>? progress = null,
        Action<int, SegmentationSample, LabelMask>? each = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (model.Classes != data.ClassNames.Count)
            throw new ShapeException($"The model tells {model.Classes} classes apart, the data have {data.ClassNames.Count}: evaluate on the classes it was trained on.");
        var clock = Stopwatch.StartNew();
        var tally = new Tally(data.ClassNames.Count);
        var meter = new ProgressMeter("evaluating", data.Count, 1, progress, accuracyName: SegmentationTask.Hits);
        using var pause = Tape.NoGradient();
        model.Evaluate();
        List<(SegmentationSample Sample, RgbImage Scaled)> group = [];
        int done = 0;
        foreach (var sample in new SegmentationReader(data, options.Threads).Read(cancellation))
        {
            cancellation.ThrowIfCancellationRequested();
            var scaled = Scale(sample.Image);
            if (group.Count == Most(sample.Mask) || group.Count > 0 && !(SameSize(group[0].Scaled, scaled) && SameSize(group[0].Sample.Mask, sample.Mask)))
                Flush();
            group.Add((sample, scaled));
        }
        Flush();
        return new SegmentationResult(data.ClassNames, tally.Confusion, tally.Loss, done, clock.Elapsed);

        void Flush()
        {
            if (group.Count == 0)
                return;
            using var scope = StepScope.Begin();
            var first = group[0].Sample.Mask;
            var logits = Logits([.. group.Select(member => member.Scaled)], first.Width, first.Height);
            var masks = Masks(logits);
            tally.Add(logits, group.Select(member => member.Sample.Mask), masks);
            for (int i = 0; i < masks.Length; i++)
                each?.Invoke(done + i, group[i].Sample, masks[i]);
            done += masks.Length;
            if (meter.Count(group.Count) || done == data.Count)
                meter.Report(done, 1, tally.Loss, tally.Accuracy, 0);
            group.Clear();
        }
    }

    int Most(LabelMask mask) => (int)Math.Clamp(MostLogits / ((long)model.Classes * mask.Labels.Length), 1, options.BatchSize);

    RgbImage Scale(RgbImage image)
    {
        if (Side is not { } side)
            return image;
        var (width, height) = SegmentationAugmentation.ScaledSize(image, side);
        return Resampler.Resize(image, width, height, preprocessing.Interpolation);
    }

    /// <summary>Pictures of one size -> [B, classes, height, width].</summary>
    Tensor Logits(IReadOnlyList<RgbImage> images, int width, int height)
    {
        int w = images[0].Width, h = images[0].Height, length = RgbImage.Channels * w * h;
        var pixels = new float[images.Count * length];
        for (int i = 0; i < images.Count; i++)
            normalizer.Write(images[i], pixels.AsSpan(i * length, length));
        var input = Tensor.From(pixels, [images.Count, RgbImage.Channels, h, w], model.Device);
        var logits = options.Window is { } window ? Slide(input, window) : Logits(input);
        return h == height && w == width ? logits : Resampling.Interpolate(logits, height, width, Tensors.Interpolation.Bilinear);
    }

    // float32, whatever the model computes in.
    Tensor Logits(Tensor input) => model.Forward(input).Value.To(DType.Float32);

    /// <summary>Windows over [B, 3, H, W], the last of each axis moved back so that it ends with the picture -> mean logits [B, classes, H, W].</summary>
    Tensor Slide(Tensor input, int window)
    {
        int count = input.Shape[0], height = input.Shape[2], width = input.Shape[3], stride = options.StrideOf(window);
        var sums = new float[count * model.Classes * height * width];
        var times = new float[height * width];
        foreach (int top in Starts(height, window, stride))
            foreach (int left in Starts(width, window, stride))
            {
                int h = Math.Min(window, height), w = Math.Min(window, width);
                using var scope = StepScope.Begin();
                float[] part = Logits(input.Slice(2, top, top + h).Slice(3, left, left + w).Contiguous()).Contiguous().ToArray<float>();
                for (int plane = 0; plane < count * model.Classes; plane++)
                    for (int y = 0; y < h; y++)
                    {
                        var to = sums.AsSpan((plane * height + top + y) * width + left, w);
                        var from = part.AsSpan((plane * h + y) * w, w);
                        for (int x = 0; x < w; x++)
                            to[x] += from[x];
                    }
                for (int y = 0; y < h; y++)
                    foreach (ref float time in times.AsSpan((top + y) * width + left, w))
                        time++;
            }
        for (int i = 0; i < sums.Length; i++)
            sums[i] /= times[i % times.Length];
        return Tensor.From(sums, [count, model.Classes, height, width], model.Device);
    }

    internal static IEnumerable<int> Starts(int length, int window, int stride)
    {
        int last = Math.Max(length - window, 0);
        for (int start = 0; start < last; start += stride)
            yield return start;
        yield return last;
    }

    /// <summary>[B, classes, H, W] -> the most likely class of each pixel.</summary>
    static LabelMask[] Masks(Tensor logits)
    {
        int height = logits.Shape[2], width = logits.Shape[3];
        int[] labels = Reduction.ArgMax(logits, 1).ToArray<int>();                      // [B, H, W]
        var masks = new LabelMask[logits.Shape[0]];
        for (int i = 0; i < masks.Length; i++)
        {
            masks[i] = new LabelMask(width, height);
            var from = labels.AsSpan(i * width * height, width * height);
            for (int p = 0; p < from.Length; p++)
                masks[i].Labels[p] = (byte)from[p];
        }
        return masks;
    }

    static bool SameSize(RgbImage a, RgbImage b) => a.Width == b.Width && a.Height == b.Height;

    static bool SameSize(LabelMask a, LabelMask b) => a.Width == b.Width && a.Height == b.Height;

    /// <summary>Counts pixels.</summary>
    sealed class Tally(int classes)
    {
        double lossSum;
        long pixels, hits;

        public long[] Confusion { get; } = new long[classes * classes];

        public double Loss => pixels == 0 ? double.NaN : lossSum / pixels;

        public double Accuracy => pixels == 0 ? double.NaN : (double)hits / pixels;

        public void Add(Tensor logits, IEnumerable<LabelMask> actual, LabelMask[] predicted)
        {
            var labels = new int[predicted.Length * predicted[0].Labels.Length];
            int place = 0, counted = 0;
            foreach (var (mask, guess) in actual.Zip(predicted))
                for (int i = 0; i < mask.Labels.Length; i++)
                {
                    byte label = mask.Labels[i];
                    labels[place++] = label;
                    if (label == LabelMask.Ignored)
                        continue;
                    counted++;
                    Confusion[label * classes + guess.Labels[i]]++;
                    if (label == guess.Labels[i])
                        hits++;
                }
            if (counted == 0)
                return;     // a mean over nothing is no number
            var targets = Tensor.From(labels, [predicted.Length, predicted[0].Height, predicted[0].Width], logits.Device);
            lossSum += Losses.CrossEntropy(logits, targets, options: new CrossEntropyOptions(LabelMask.Ignored)).Loss.Item() * (double)counted;
            pixels += counted;
        }
    }
}
