namespace Engine.Training.Tests;

public sealed class DataBatchLoaderTests
{
    static readonly Preprocessing Four = Preprocessing.Plain(4);

    [Fact]
    public void Batches_hold_every_image_once_in_order()
    {
        var source = new CountingDataset(23);
        var loader = new BatchLoader(source, Four, new BatchLoaderOptions { BatchSize = 5 });
        int next = 0;
        foreach (var batch in loader.Epoch(0))
        {
            Assert.Equal(next / 5, batch.Number);
            Assert.Equal(Math.Min(5, 23 - next), batch.Count);
            for (int i = 0; i < batch.Count; i++, next++)
            {
                Assert.Equal(next, batch.Indices[i]);
                Assert.Equal(next % 2, batch.Labels[i]);
                foreach (float value in batch.Pixels.Slice(i * 48, 48))
                    Assert.Equal((source.Pixel(next) / 255f - 0.5f) / 0.5f, value);
            }
            batch.Dispose();
        }
        Assert.Equal(23, next);
        Assert.All(source.Loads, loads => Assert.Equal(1, loads));
    }

    [Fact]
    public void Pixels_are_planes_of_channels()
    {
        var dataset = new DrawnDomains(1, DrawnSplit.Train, [DrawnDomain.Filled], 2, size: 8);
        using var batch = Assert.Single(new BatchLoader(dataset, Preprocessing.Plain(8), new BatchLoaderOptions()).Epoch(0));
        var image = dataset.Load(1);
        for (int y = 0; y < 8; y++)
            for (int x = 0; x < 8; x++)
                Assert.Equal(
                    (image[x, y].R, image[x, y].G, image[x, y].B),
                    (Byte(batch, 0, x, y), Byte(batch, 1, x, y), Byte(batch, 2, x, y)));

        static byte Byte(Batch batch, int channel, int x, int y) =>
            (byte)MathF.Round((batch.Pixels[((1 * 3 + channel) * 8 + y) * 8 + x] + 1) / 2 * 255);
    }

    [Fact]
    public void Dropping_the_last_batch_leaves_only_full_ones()
    {
        var loader = new BatchLoader(new CountingDataset(23), Four, new BatchLoaderOptions { BatchSize = 5, DropLast = true });
        Assert.Equal(4, loader.BatchCount);
        Assert.All(loader.Epoch(0), batch => Assert.Equal(5, batch.Count));
    }

    [Fact]
    public void The_order_is_a_function_of_seed_and_epoch()
    {
        var first = Loader(seed: 1);
        Assert.Equal(first.Order(3), Loader(seed: 1).Order(3));
        Assert.NotEqual(first.Order(3), first.Order(4));
        Assert.NotEqual(first.Order(3), Loader(seed: 2).Order(3));
        Assert.Equal(Enumerable.Range(0, 100), first.Order(3).Order());

        static BatchLoader Loader(ulong seed) =>
            new(new CountingDataset(100), Four, new BatchLoaderOptions { Shuffle = true, Seed = seed });
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(5, 3)]
    [InlineData(16, 8)]
    public void Results_do_not_depend_on_threads_or_prefetch(int threads, int prefetch)
    {
        var dataset = new DrawnDomains(1, DrawnSplit.Train, DrawnDomains.All, 30, size: 16);
        var options = new BatchLoaderOptions { BatchSize = 7, Shuffle = true, Seed = 5, Threads = 1, Augmentation = Augmentation.ImageNet with { CropPadding = 2 } };
        var expected = Collect(options);
        Assert.Equal(expected, Collect(options with { Threads = threads, Prefetch = prefetch }));
        Assert.NotEqual(expected, Collect(options with { Seed = 6 }));

        List<float> Collect(BatchLoaderOptions options)
        {
            var values = new List<float>();
            foreach (var batch in new BatchLoader(dataset, Preprocessing.Plain(12), options).Epoch(2))
                using (batch)
                    values.AddRange(batch.Pixels);
            return values;
        }
    }

    [Fact]
    public void An_epoch_resumes_where_it_was_left()
    {
        var dataset = new DrawnDomains(1, DrawnSplit.Train, [DrawnDomain.Photo], 64, size: 8);
        var options = new BatchLoaderOptions { BatchSize = 6, Shuffle = true, Seed = 9, Threads = 3, Augmentation = Augmentation.Small(8) };
        var whole = Collect(0);
        for (int first = 0; first <= whole.Count; first++)
            Assert.Equal(whole[first..], Collect(first));

        List<float[]> Collect(int first)
        {
            var batches = new List<float[]>();
            foreach (var batch in new BatchLoader(dataset, Preprocessing.Plain(8), options).Epoch(4, first))
                using (batch)
                    batches.Add(batch.Pixels.ToArray());
            return batches;
        }
    }

    [Fact]
    public void Augmentation_changes_from_epoch_to_epoch_and_reaches_both_sides()
    {
        var dataset = new DrawnDomains(1, DrawnSplit.Train, [DrawnDomain.Filled], 1, size: 8);
        var loader = new BatchLoader(dataset, Preprocessing.Plain(8), new BatchLoaderOptions { Augmentation = new Augmentation { FlipProbability = 0.5f } });
        float[] image = Preprocessing.Plain(8).ToPixels(dataset.Load(0));
        float[] mirrored = Preprocessing.Plain(8).ToPixels(Cropping.FlipHorizontally(dataset.Load(0)));
        int flips = 0;
        for (int epoch = 0; epoch < 200; epoch++)
        {
            using var batch = Assert.Single(loader.Epoch(epoch));
            bool flipped = batch.Pixels.SequenceEqual(mirrored);
            Assert.True(flipped || batch.Pixels.SequenceEqual(image));
            flips += flipped ? 1 : 0;
        }
        Assert.InRange(flips, 70, 130);     // 4 standard deviations
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_bad_image_reaches_the_consumer_after_the_good_batches_before_it(int threads)
    {
        var loader = new BatchLoader(new CountingDataset(40, failing: 17), Four, new BatchLoaderOptions { BatchSize = 5, Threads = threads, Prefetch = 4 });
        int seen = 0;
        var exception = Assert.Throws<ImageException>(() =>
        {
            foreach (var batch in loader.Epoch(0))
                seen += batch.Count;
        });
        Assert.Equal("image 17: broken.", exception.Message);
        Assert.Equal(15, seen);
    }

    [Fact]
    public void Workers_run_no_further_ahead_than_the_prefetch_and_stop_when_the_loop_is_left()
    {
        var source = new CountingDataset(1000);
        var loader = new BatchLoader(source, Four, new BatchLoaderOptions { BatchSize = 10, Threads = 4, Prefetch = 3 });
        using (var batches = loader.Epoch(0).GetEnumerator())
        {
            for (int taken = 1; taken <= 5; taken++)
            {
                Assert.True(batches.MoveNext());
                // Those handed out, and the one being waited for with the prefetch behind it.
                int allowed = 10 * (taken + 3 + 1);
                SpinWait.SpinUntil(() => source.Loads.Sum() >= allowed, 20_000);
                Thread.Sleep(20);
                Assert.Equal(allowed, source.Loads.Sum());
            }
        }
        int loads = source.Loads.Sum();
        Thread.Sleep(50);
        Assert.Equal(loads, source.Loads.Sum());
    }

    [Fact]
    public async Task Cancelling_ends_the_wait_for_a_batch()
    {
        using var blocked = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource();
        var loader = new BatchLoader(new BlockingDataset(blocked), Four, new BatchLoaderOptions { Threads = 1 });
        var consumer = Task.Run(() => Assert.ThrowsAny<OperationCanceledException>(() =>
        {
            foreach (var _ in loader.Epoch(0, cancellationToken: cancellation.Token))
                Assert.Fail("a batch came");
        }));
        cancellation.Cancel();
        await Task.Delay(50);
        blocked.Set();      // the worker finishes the image it is at, then the loop ends
        await consumer.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void Disposed_batches_are_reused_and_cannot_be_read()
    {
        var loader = new BatchLoader(new CountingDataset(100), Four, new BatchLoaderOptions { BatchSize = 10, Prefetch = 1, Threads = 1 });
        Batch? last = null;
        for (int epoch = 0; epoch < 5; epoch++)
            foreach (var batch in loader.Epoch(epoch))
            {
                batch.Dispose();
                batch.Dispose();    // once more does no harm
                last = batch;
            }
        Assert.InRange(loader.Pooled, 1, 4);     // the window of two, the batch in hand, and one on its way
        Assert.Throws<ObjectDisposedException>(() => last!.Pixels.Length);
    }

    [Fact]
    public void Options_out_of_range_are_refused_at_once()
    {
        var dataset = new CountingDataset(3);
        Assert.Throws<ArgumentOutOfRangeException>(() => new BatchLoader(dataset, Four, new BatchLoaderOptions { BatchSize = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BatchLoader(dataset, Four, new BatchLoaderOptions { Threads = 0 }));
        Assert.Throws<ArgumentException>(() => new BatchLoader(dataset, Four, new BatchLoaderOptions { BatchSize = 4, DropLast = true }));
        Assert.Throws<ArgumentException>(() => new BatchLoader(dataset, Four with { Std = default }, new BatchLoaderOptions()));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BatchLoader(dataset, Four, new BatchLoaderOptions()).Epoch(0, firstBatch: 2));
    }

    sealed class BlockingDataset(ManualResetEventSlim gate) : IImageDataset
    {
        public int Count => 1;

        public IReadOnlyList<string> ClassNames => ["only"];

        public int Label(int index) => 0;

        public string Describe(int index) => "blocked";

        public RgbImage Load(int index)
        {
            gate.Wait();
            return new RgbImage(4, 4);
        }
    }
}
