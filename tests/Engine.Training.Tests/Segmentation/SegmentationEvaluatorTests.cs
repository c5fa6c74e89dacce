using Engine.Tensors;

namespace Engine.Training.Tests;

public sealed class SegmentationEvaluatorTests
{
    static readonly Preprocessing Sixteen = Preprocessing.Plain(16);

    [Fact]
    public void Counts_every_pixel_and_agrees_with_the_model_picture_by_picture()
    {
        PixelSegmenter model = new(3);
        MixedDataset data = new(7);
        SegmentationEvaluation options = new() { Side = 0, BatchSize = 3 };
        List<(int Index, LabelMask Mask)> given = [];
        SegmentationResult result = new SegmentationEvaluator(model, Sixteen, options).Run(data, each: (index, sample, mask) =>
        {
            Assert.Equal(data.Load(index).Image.Pixels, sample.Image.Pixels);
            given.Add((index, mask));
        });

        long[,] confusion = new long[3, 3];
        double loss = 0;
        for (int i = 0; i < data.Count; i++)
        {
            var (image, mask) = data.Load(i);
            float[] pixels = new float[image.Pixels.Length];
            new Normalizer(Sixteen.Mean, Sixteen.Std).Write(image, pixels);
            float[] logits = model.Forward(Tensor.From(pixels, [1, 3, image.Height, image.Width])).Value.ToArray<float>();
            Assert.Equal(i, given[i].Index);
            for (int p = 0; p < mask.Labels.Length; p++)
            {
                double[] at = [.. Enumerable.Range(0, 3).Select(c => (double)logits[c * mask.Labels.Length + p])];
                int best = Array.IndexOf(at, at.Max());
                Assert.Equal(best, given[i].Mask.Labels[p]);
                if (mask.Labels[p] == LabelMask.Ignored) continue;
                confusion[mask.Labels[p], best]++;
                loss += Math.Log(at.Sum(Math.Exp)) - at[mask.Labels[p]];
            }
        }

        Assert.Equal(7, result.Pictures);
        Assert.Equal(confusion.Cast<long>().Sum(), result.Pixels);
        for (int actual = 0; actual < 3; actual++)
            for (int predicted = 0; predicted < 3; predicted++) Assert.Equal(confusion[actual, predicted], result.Confusion(actual, predicted));
        Assert.Equal(loss / result.Pixels, result.Loss, 1e-5);
        Assert.Contains(model.Seen, shape => shape[0] == 3);        // pictures of one size went together
    }

    [Fact]
    public void The_whole_picture_is_scaled_and_its_logits_are_scaled_back()
    {
        PixelSegmenter model = new(3);
        RgbImage image = DrawnDomains.Draw(1, DrawnSplit.Test, DrawnDomain.Filled, 2, 40);
        image = Cropping.Crop(image, new PixelRectangle(0, 0, 40, 30));
        LabelMask mask = new SegmentationEvaluator(model, Sixteen).Predict(image);
        Assert.Equal((40, 30), (mask.Width, mask.Height));
        Assert.Equal(Shape.Create([1, 3, 16, 21]), Assert.Single(model.Seen));
    }

    [Theory]
    [InlineData(20, 8, 5, new[] { 0, 5, 10, 12 })]
    [InlineData(20, 8, 8, new[] { 0, 8, 12 })]
    [InlineData(16, 8, 8, new[] { 0, 8 })]
    [InlineData(8, 8, 3, new[] { 0 })]
    [InlineData(5, 8, 3, new[] { 0 })]
    public void Windows_cover_the_picture_and_end_with_it(int length, int window, int stride, int[] expected) =>
        Assert.Equal(expected, SegmentationEvaluator.Starts(length, window, stride));

    [Theory]
    [InlineData(9, 4)]
    [InlineData(16, 16)]
    [InlineData(200, 50)]
    public void Sliding_over_a_model_that_sees_single_pixels_changes_nothing(int window, int stride)
    {
        // Every window gives the same logits for a pixel, so does their mean, whatever overlaps.
        MixedDataset data = new(5);
        SegmentationResult whole = new SegmentationEvaluator(new PixelSegmenter(3, reach: 0), Sixteen).Run(data);
        SegmentationResult sliding = new SegmentationEvaluator(new PixelSegmenter(3, reach: 0), Sixteen, new() { Window = window, Stride = stride }).Run(data);
        Assert.Equal(whole.Loss, sliding.Loss, 1e-6);
        Assert.Equal(whole.PixelAccuracy, sliding.PixelAccuracy);
    }

    [Fact]
    public void Overlapping_windows_are_averaged()
    {
        // Windows of 16 over 16 x 24 begin at 0 and 8: at a window's border the neighbourhood is cut off, so that the two differ.
        PixelSegmenter model = new(3);
        RgbImage image = Cropping.Crop(DrawnDomains.Draw(3, DrawnSplit.Test, DrawnDomain.Photo, 2, 24), new PixelRectangle(0, 0, 24, 16));
        float[] pixels = new float[3 * 16 * 24];
        new Normalizer(Sixteen.Mean, Sixteen.Std).Write(image, pixels);
        Tensor input = Tensor.From(pixels, [1, 3, 16, 24]);
        float[] left = model.Forward(input.Slice(3, 0, 16).Contiguous()).Value.ToArray<float>(), right = model.Forward(input.Slice(3, 8, 24).Contiguous()).Value.ToArray<float>();
        LabelMask mask = new SegmentationEvaluator(model, Sixteen, new() { Window = 16, Stride = 8, Side = 0 }).Predict(image);
        for (int y = 0; y < 16; y++)
            for (int x = 0; x < 24; x++)
            {
                float[] mean = [.. Enumerable.Range(0, 3).Select(c => (c * 16 + y) * 16)
                    .Select(row => x < 8 ? left[row + x] : x >= 16 ? right[row + x - 8] : (left[row + x] + right[row + x - 8]) / 2)];
                Assert.Equal(Array.IndexOf(mean, mean.Max()), mask[x, y]);
            }
    }

    [Fact]
    public void A_picture_without_labels_counts_nothing()
    {
        SegmentationResult result = new SegmentationEvaluator(new PixelSegmenter(3), Sixteen).Run(new MixedDataset(1, ignored: true));
        Assert.Equal((1, 0), (result.Pictures, result.Pixels));
        Assert.True(double.IsNaN(result.Loss));
    }

    [Fact]
    public void Corruptions_meet_what_the_model_sees_and_leave_the_measure_s_size()
    {
        PixelSegmenter model = new(3);
        SegmentationEvaluator evaluator = new(model, Sixteen);
        CorruptionResult result = CorruptionSuite.Run([Corruption.GaussianNoise], [5], found => evaluator.Run(
            found is { } corrupted ? new CorruptedSegmentation(new MixedDataset(3), corrupted.Corruption, corrupted.Severity, evaluator.Side) : new MixedDataset(3)));
        Assert.Equal(((SegmentationResult)result.Clean).Pixels, ((SegmentationResult)result[Corruption.GaussianNoise, 5]).Pixels);
        Assert.NotEqual(result.Clean.Loss, result[Corruption.GaussianNoise, 5].Loss);
    }

    [Fact]
    public void Refuses_other_classes_gaps_and_nonsense()
    {
        PixelSegmenter model = new(4);
        Assert.Contains("4 classes apart, the data have 3", Assert.Throws<ShapeException>(() => new SegmentationEvaluator(model, Sixteen).Run(new MixedDataset(1))).Message);
        Assert.Contains("gaps", Assert.Throws<ArgumentException>(() => new SegmentationEvaluator(model, Sixteen, new() { Window = 8, Stride = 9 })).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new SegmentationEvaluator(model, Sixteen, new() { Window = 0 }));
    }

    [Fact]
    public void Predictions_are_written_as_masks_and_overlays()
    {
        using DataFolder folder = new();
        RgbImage image = new(2, 1, [100, 100, 100, 7, 7, 7]);
        SegmentationPictures.Save(folder.Path, "a", image, new LabelMask(2, 1, [1, 255]));
        Assert.Equal([1, 255], IndexedPng.Load(Path.Combine(folder.Path, "masks", "a.png")).Labels);
        Assert.Equal([114, 50, 50, 7, 7, 7], ImageDecoder.Decode(Path.Combine(folder.Path, "overlays", "a.png")).Pixels);
    }

    /// <summary>Pictures of three sizes with three classes and some ignored pixels.</summary>
    sealed class MixedDataset(int count, bool ignored = false) : ISegmentationDataset
    {
        public int Count => count;

        public IReadOnlyList<string> ClassNames => ["a", "b", "c"];

        public string Name(int index) => $"{index}";

        public SegmentationSample Load(int index)
        {
            int size = 16 + 4 * (index / 3);
            RgbImage image = DrawnDomains.Draw(1, DrawnSplit.Train, DrawnDomain.Photo, index, size);
            LabelMask mask = new(size, size);
            for (int i = 0; i < mask.Labels.Length; i++)
                mask.Labels[i] = ignored || i % 7 == 0 ? LabelMask.Ignored : (byte)(image.Pixels[3 * i] / 86);
            return new(image, mask);
        }
    }
}
