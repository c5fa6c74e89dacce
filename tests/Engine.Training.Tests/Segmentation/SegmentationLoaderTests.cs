using Engine.Tensors;

namespace Engine.Training.Tests;

public sealed class SegmentationLoaderTests
{
    /// <summary>How far colours run into each other when a picture is made up to 5.4 times as large.</summary>
    const int Blur = 3;

    [Fact]
    public void Nearest_labels_are_those_under_the_new_pixels_middles()
    {
        var mask = new LabelMask(4, 2, [1, 2, 3, 4, 5, 6, 7, 8]);
        Assert.Equal([1, 1, 2, 2, 3, 3, 4, 4, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 5, 5, 6, 6, 7, 7, 8, 8], mask.Resize(8, 4).Labels);
        Assert.Equal([6, 8], mask.Resize(2, 1).Labels);
        Assert.Equal([1, 3, 4], mask.Resize(3, 2).Labels[..3]);       // middles at 0.67, 2, 3.33
        Assert.Equal(mask.Labels, mask.Resize(4, 2).Labels);
        Assert.Equal([4, 3, 2, 1, 8, 7, 6, 5], mask.FlipHorizontally().Labels);
        Assert.Equal([255, 255, 255, 255, 1, 2], mask.Crop(new PixelRectangle(-1, -1, 3, 2)).Labels);
        Assert.Equal([255, 255], mask.Crop(new PixelRectangle(4, 0, 2, 1)).Labels);
    }

    [Theory]
    [InlineData(20, 20)]
    [InlineData(31, 17)]
    [InlineData(9, 40)]
    public void Picture_and_mask_go_the_same_way(int width, int height)
    {
        // Each pixel's colour is its label's, in blocks large enough to survive the filter of the resize inside.
        var sample = Blocks(width, height);
        var preprocessing = Preprocessing.Plain(24);
        int inside = 0, ignored = 0;
        for (int i = 0; i < 60; i++)
        {
            PhiloxSequence random = new(new Philox(1, (ulong)i));
            var (image, mask) = new SegmentationAugmentation().Apply(sample, preprocessing, ref random);
            Assert.Equal((24, 24, 24, 24), (image.Width, image.Height, mask.Width, mask.Height));
            for (int y = Blur; y < 24 - Blur; y++)
                for (int x = Blur; x < 24 - Blur; x++)
                {
                    byte label = mask[x, y];
                    if (label == LabelMask.Ignored)
                    {
                        ignored++;
                        Assert.Equal((0, 0, 0), image[x, y]);
                    }
                    else if (Surrounded(mask, x, y, label))
                    {
                        inside++;
                        Assert.InRange(image[x, y].R, 50 * label + 10, 50 * label + 40);
                    }
                }
        }
        Assert.True(inside > 1000, $"{inside}");
        Assert.True(ignored > 100, $"{ignored}");       // scales below 1 leave room around the picture
    }

    [Fact]
    public void Without_chance_the_shorter_side_fits_and_the_middle_is_seen()
    {
        PhiloxSequence random = new(new Philox(1));
        var sample = Blocks(48, 24);
        var (image, mask) = SegmentationAugmentation.None.Apply(sample, Preprocessing.Plain(24), ref random);
        Assert.Equal(sample.Mask.Crop(new PixelRectangle(12, 0, 24, 24)).Labels, mask.Labels);
        Assert.Equal(Cropping.Crop(sample.Image, new PixelRectangle(12, 0, 24, 24)).Pixels, image.Pixels);
    }

    [Fact]
    public void Jitter_leaves_half_of_the_changes_out_and_greys_grey()
    {
        int unchanged = 0, grey = 0;
        for (int i = 0; i < 400; i++)
        {
            PhiloxSequence random = new(new Philox(2, (ulong)i));
            var image = new RgbImage(1, 2, [200, 100, 50, 90, 90, 90]);
            new PhotometricJitter().Apply(image, ref random);
            if (image[0, 0] == (200, 100, 50)) unchanged++;
            if (image[0, 1].R == image[0, 1].G && image[0, 1].G == image[0, 1].B) grey++;
        }
        Assert.InRange(unchanged, 30, 75);              // an eighth
        Assert.Equal(400, grey);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(9)]
    public void Batches_do_not_depend_on_threads(int threads)
    {
        var options = new SegmentationLoaderOptions { BatchSize = 6, Shuffle = true, Seed = 3, Threads = 2, Augmentation = SegmentationAugmentation.Usual };
        var expected = Collect(options, 2);
        Assert.Equal(expected, Collect(options with { Threads = threads, Prefetch = threads }, 2));
        Assert.NotEqual(expected, Collect(options, 3));
        Assert.NotEqual(expected, Collect(options with { Seed = 4 }, 2));

        static List<float> Collect(SegmentationLoaderOptions options, int epoch)
        {
            List<float> values = [];
            foreach (var batch in new SegmentationLoader(new BlocksDataset(20), Preprocessing.Plain(16), options).Epoch(epoch))
                using (batch)
                {
                    values.AddRange(batch.Pixels);
                    foreach (int label in batch.Labels) values.Add(label);
                    foreach (int index in batch.Indices) values.Add(index);
                    Assert.Equal(batch.Labels.ToArray().Count(label => label != 255), batch.CountedPixels);
                }
            return values;
        }
    }

    [Fact]
    public void A_resumed_epoch_goes_on_where_it_was()
    {
        var loader = new SegmentationLoader(new BlocksDataset(20), Preprocessing.Plain(16), new SegmentationLoaderOptions { BatchSize = 4, Shuffle = true, DropLast = true });
        Assert.Equal(5, loader.BatchCount);
        Assert.Equal(loader.Epoch(1).Skip(3).Select(batch => batch.Indices.ToArray()), loader.Epoch(1, firstBatch: 3).Select(batch => batch.Indices.ToArray()));
    }

    [Fact]
    public void A_fault_reaches_who_asked_for_the_batch()
    {
        var loader = new SegmentationLoader(new BlocksDataset(20, faulty: 9), Preprocessing.Plain(16), new SegmentationLoaderOptions { BatchSize = 4, Threads = 3 });
        int taken = 0;
        var fault = Assert.Throws<DatasetException>(() =>
        {
            foreach (var batch in loader.Epoch(0)) taken++;
        });
        Assert.Equal(2, taken);
        Assert.Equal("9", fault.Location);
    }

    [Fact]
    public void A_disposed_batch_s_arrays_are_used_again_and_no_longer_read()
    {
        var loader = new SegmentationLoader(new BlocksDataset(4), Preprocessing.Plain(8), new SegmentationLoaderOptions { BatchSize = 2 });
        var batch = loader.Epoch(0).First();
        var (pixels, labels) = batch.ToTensors(Device.Default);
        Assert.Equal(Shape.Create([2, 3, 8, 8]), pixels.Shape);
        Assert.Equal(Shape.Create([2, 8, 8]), labels.Shape);
        batch.Dispose();
        Assert.Throws<ObjectDisposedException>(() => batch.Pixels.Length);
    }

    [Fact]
    public void A_corrupted_set_keeps_its_masks()
    {
        BlocksDataset source = new(3);
        var corrupted = new CorruptedSegmentation(source, Corruption.DefocusBlur, 5, size: 12);
        var (image, mask) = corrupted.Load(1);
        Assert.Equal(12, Math.Min(image.Width, image.Height));
        Assert.Equal(source.Load(1).Mask.Labels, mask.Labels);
        Assert.Equal(source.Name(1), corrupted.Name(1));
    }

    static bool Surrounded(LabelMask mask, int x, int y, byte label)
    {
        for (int dy = -Blur; dy <= Blur; dy++)
            for (int dx = -Blur; dx <= Blur; dx++)
                if (mask[x + dx, y + dy] != label) return false;
        return true;
    }

    static SegmentationSample Blocks(int width, int height)
    {
        RgbImage image = new(width, height);
        LabelMask mask = new(width, height);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                byte label = (byte)(2 * (y * 2 / height) + x * 2 / width);
                mask.Row(y)[x] = label;
                image.Row(y).Slice(3 * x, 3).Fill((byte)(50 * label + 25));
            }
        return new(image, mask);
    }

    sealed class BlocksDataset(int count, int faulty = -1) : ISegmentationDataset
    {
        public int Count => count;

        public IReadOnlyList<string> ClassNames => ["a", "b", "c", "d"];

        public string Name(int index) => $"{index}";

        public SegmentationSample Load(int index) => index == faulty ? throw new DatasetException($"{index}", "is at fault") : Blocks(20 + index, 30 - index);
    }
}
