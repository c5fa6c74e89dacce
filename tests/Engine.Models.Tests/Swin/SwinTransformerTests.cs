using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class SwinTransformerTests
{
    // Published by torchvision (num_params of swin_t, swin_s and swin_b).
    [Theory]
    [InlineData("swin-t", 28_288_354)]
    [InlineData("swin-s", 49_606_258)]
    [InlineData("swin-b", 87_768_224)]
    public void Named_sizes_have_the_published_number_of_parameters(string name, long count) => Assert.Equal(count, Count(SwinConfig.Named(name)));

    [Fact]
    public void Another_name_is_refused_with_those_there_are() => Assert.Equal("No Swin transformer is named 'swin-xl'; known are swin-t, swin-s, swin-b, swin-l.",
        Assert.Throws<ArgumentException>(() => SwinConfig.Named("swin-xl")).Message);

    // timm's results table: 196.53 million.
    [Fact, Trait("Speed", "Slow")]
    public void The_large_size_too() => Assert.Equal(196_532_476, Count(SwinConfig.Named("swin-l")));

    static long Count(SwinConfig config)
    {
        SwinTransformer model = new(ModuleScope.Root(initialize: false), config);
        long count = model.ParameterCount;
        foreach (Parameter parameter in model.Parameters) parameter.Value.Release();
        return count;
    }

    [Theory]
    [InlineData(64, 64)]
    [InlineData(64, 96)]
    [InlineData(61, 90)]        // no multiple of the patch, nor of the window at any stage
    [InlineData(8, 40)]         // smaller than a window
    public void Feature_maps_halve_from_stage_to_stage_for_images_of_any_size(int height, int width)
    {
        using StepScope step = StepScope.Begin();
        foreach (WindowRule rule in Enum.GetValues<WindowRule>())
        {
            SwinTransformer model = new(SwinFixtures.Small with { WindowRule = rule }, seed: 1);
            IReadOnlyList<Variable> maps = model.FeatureMaps(RandomNumbers.Normal([2, 3, height, width], new Philox(2)));
            Assert.Equal([8, 16, 32], model.Channels);
            int rows = (height + 3) / 4, columns = (width + 3) / 4;
            for (int i = 0; i < maps.Count; i++, rows = (rows + 1) / 2, columns = (columns + 1) / 2)
                Assert.Equal([2, model.Channels[i], rows, columns], maps[i].Shape);
        }
    }

    // The definition, patch by patch: which patches a patch of a block's attention sees.
    [Theory]
    [InlineData(WindowRule.Pad, 8, 8, 4, 2)]
    [InlineData(WindowRule.Pad, 7, 9, 4, 2)]
    [InlineData(WindowRule.Pad, 3, 9, 4, 2)]
    [InlineData(WindowRule.PadAndShift, 7, 9, 4, 2)]
    [InlineData(WindowRule.PadAndShift, 4, 4, 4, 2)]
    [InlineData(WindowRule.PadAndShift, 5, 5, 7, 3)]
    [InlineData(WindowRule.Shrink, 8, 12, 4, 2)]
    [InlineData(WindowRule.Shrink, 4, 12, 4, 2)]
    [InlineData(WindowRule.Pad, 7, 9, 4, 0)]
    public void A_shifted_window_hides_patches_that_only_the_shift_brought_together(WindowRule rule, int height, int width, int side, int shift)
    {
        using StepScope step = StepScope.Begin();
        float[] numbers = [.. Enumerable.Range(1, height * width).Select(i => (float)i)];
        Tensor map = Tensor.From<float>(numbers, [1, height, width, 1]);
        WindowLayout layout = new(height, width, side, shift, rule, map);
        float[] windows = layout.Split(map).Value.ToArray<float>();
        float[]? mask = layout.Mask?.ToArray<float>();
        int rowShift = Shift(height), columnShift = Shift(width), length = side * side;
        HashSet<(int, int)> seen = [];
        for (int i = 0; i < windows.Length; i++)
        {
            for (int j = 0; j < length; j++)
            {
                int other = i / length * length + j;
                if (windows[i] != 0 && windows[other] != 0 && (mask is null || mask[i * length + j] == 0))
                    seen.Add(((int)windows[i] - 1, (int)windows[other] - 1));
            }
        }

        for (int i = 0; i < numbers.Length; i++)
            for (int j = 0; j < numbers.Length; j++)
                Assert.Equal(Cell(i) == Cell(j), seen.Contains((i, j)));

        // A shifted grid of windows: its lines run through the shift.
        (int, int) Cell(int patch) => (Line(patch / width, rowShift), Line(patch % width, columnShift));
        int Line(int place, int shift) => (place - shift + side) / side;
        int Shift(int extent) => rule switch
        {
            WindowRule.PadAndShift => shift,
            WindowRule.Pad => (extent + side - 1) / side > 1 ? shift : 0,
            _ => extent > side ? shift : 0,
        };
    }

    [Theory]
    [InlineData(WindowRule.Pad)]
    [InlineData(WindowRule.Shrink)]
    public void Windows_come_back_where_they_were(WindowRule rule)
    {
        using StepScope step = StepScope.Begin();
        Tensor map = RandomNumbers.Normal([2, 7, 9, 3], new Philox(1));
        foreach (int shift in (int[])[0, 2])
        {
            WindowLayout layout = new(7, 9, 4, shift, rule, map);
            TensorAssert.SameBits(layout.Merge(layout.Split(map)).Value.Contiguous(), map, $"shift {shift}");
        }
    }

    // timm's order: the map turns by itself, the zeros stay below and to the right of it.
    [Fact]
    public void A_shrinking_layout_shifts_before_it_pads()
    {
        using StepScope step = StepScope.Begin();
        Tensor map = Tensor.From<float>([1, 2, 3, 4, 5], [1, 5, 1, 1]);
        WindowLayout layout = new(5, 1, 4, 2, WindowRule.Shrink, map);
        float[] column = [.. layout.Split(map).Value.ToArray<float>().Where((_, i) => i % 4 == 0)];
        Assert.Equal([3, 4, 5, 1, 2, 0, 0, 0], column);
        float[] padded = [.. new WindowLayout(5, 1, 4, 2, WindowRule.Pad, map).Split(map).Value.ToArray<float>().Where((_, i) => i % 4 == 0)];
        Assert.Equal([3, 4, 5, 0, 0, 0, 1, 2], padded);
    }

    [Fact]
    public void The_bias_of_two_patches_is_that_of_the_way_between_them()
    {
        using StepScope step = StepScope.Begin();
        RelativePositionBias bias = new(ModuleScope.Root(seed: 3) / "bias", 3, 2);
        float[] table = bias["table"].Value.ToArray<float>(), between = bias.Forward().Value.ToArray<float>();
        for (int head = 0; head < 2; head++)
            for (int i = 0; i < 9; i++)
                for (int j = 0; j < 9; j++)
                    Assert.Equal(table[(((i / 3 - j / 3 + 2) * 5) + i % 3 - j % 3 + 2) * 2 + head], between[(head * 9 + i) * 9 + j]);
    }

    [Fact]
    public void A_table_of_the_same_side_is_resampled_to_itself_and_a_flat_one_stays_flat()
    {
        using StepScope step = StepScope.Begin();
        Tensor table = RandomNumbers.Normal([49, 2], new Philox(1));
        TensorAssert.Close(RelativePositionBias.Resample(table, 4), table, 1e-6, 1e-6, "same side");
        Assert.All(RelativePositionBias.Resample(Tensor.Full([49, 2], 0.5), 7).ToArray<float>(), value => Assert.Equal(0.5f, value, 1e-6f));
        Assert.Equal([169, 2], RelativePositionBias.Resample(table, 7).Shape);
    }

    [Fact]
    public void Merging_puts_upper_left_lower_left_upper_right_and_lower_right_side_by_side()
    {
        using StepScope step = StepScope.Begin();
        PatchMerging merging = new(ModuleScope.Root() / "merge", 1, 1e-5f);
        merging["norm.weight"].Load(Tensor.From<float>([1, 10, 100, 1000], [4]));
        merging["reduction.weight"].Load(Tensor.From<float>([1, 1, 1, 1, 0, 0, 0, 1], [2, 4]));
        float[] y = merging.Forward(Tensor.From<float>([1, 3, 2, 4], [1, 2, 2, 1])).Value.ToArray<float>();
        double[] normal = [.. new double[] { 1, 2, 3, 4 }.Select(value => (value - 2.5) / Math.Sqrt(1.25 + 1e-5))];
        Assert.Equal(normal[0] + 10 * normal[1] + 100 * normal[2] + 1000 * normal[3], y[0], 1e-2);
        Assert.Equal(1000 * normal[3], y[1], 1e-2);
    }

    [Fact]
    public void Evaluated_and_recorded_results_are_the_same_bits_and_those_of_feature_maps()
    {
        using StepScope step = StepScope.Begin();
        SwinTransformer model = new(SwinFixtures.Small, seed: 4);
        Tensor pixels = SwinFixtures.Pixels(SwinFixtures.Small);
        Tensor recorded = model.Forward(pixels).Value, maps = model.FeatureMaps(pixels)[^1].Value;
        using Tape.Pause pause = Tape.NoGradient();
        TensorAssert.SameBits(model.Forward(pixels).Value, recorded, "logits");
        TensorAssert.SameBits(model.FeatureMaps(pixels)[^1].Value.Contiguous(), maps.Contiguous(), "map");
    }

    [Fact]
    public void Every_parameter_gets_a_gradient_and_frozen_stages_are_not_recorded()
    {
        using StepScope step = StepScope.Begin();
        SwinTransformer model = new(SwinFixtures.Small, seed: 4);
        Functions.CrossEntropy(model.Forward(SwinFixtures.Pixels(SwinFixtures.Small)), Tensor.From<int>([1, 4], [2])).Backward();
        Assert.All(model.Parameters, parameter => Assert.True(parameter.HasGradient, parameter.Name));
        foreach (Parameter parameter in model.Parameters) parameter.ZeroGradient();
        model.Freeze("*");
        model.Unfreeze("backbone.stages.2.*");
        Functions.CrossEntropy(model.Forward(SwinFixtures.Pixels(SwinFixtures.Small)), Tensor.From<int>([1, 4], [2])).Backward();
        Assert.All(model.Parameters, parameter => Assert.Equal(parameter.Name.StartsWith("backbone.stages.2.", StringComparison.Ordinal), parameter.HasGradient));
    }

    [Theory]
    [InlineData(0.5f, 0f)]
    [InlineData(0f, 0.5f)]
    public void Dropout_and_drop_path_act_in_training_only_and_repeat_with_the_random_position(float dropout, float dropPath)
    {
        using StepScope step = StepScope.Begin();
        SwinTransformer model = new(SwinFixtures.Small with { Dropout = dropout, DropPath = dropPath }, seed: 4);
        Tensor pixels = SwinFixtures.Pixels(SwinFixtures.Small, count: 8);
        float[] evaluated = model.Forward(pixels).Value.ToArray<float>();
        model.Train();
        ulong position = model.Random.Position;
        float[] first = model.Forward(pixels).Value.ToArray<float>(), second = model.Forward(pixels).Value.ToArray<float>();
        model.Random.Position = position;
        float[] again = model.Forward(pixels).Value.ToArray<float>();
        model.Evaluate();

        Assert.Equal(first, again);
        Assert.NotEqual(first, second);
        Assert.NotEqual(first, evaluated);
        Assert.Equal(evaluated, model.Forward(pixels).Value.ToArray<float>());
    }

    [Fact]
    public void Recomputed_blocks_give_the_same_gradients()
    {
        using StepScope step = StepScope.Begin();
        float[][] gradients = [.. new[] { false, true }.Select(recompute =>
        {
            SwinTransformer model = new(SwinFixtures.Small with { DropPath = 0.5f }, seed: 4) { RecomputesBlocks = recompute };
            model.Train();
            Functions.CrossEntropy(model.Forward(SwinFixtures.Pixels(SwinFixtures.Small)), Tensor.From<int>([1, 4], [2])).Backward();
            return model.Parameters.SelectMany(parameter => parameter.Gradient!.ToArray<float>()).ToArray();
        })];
        Assert.Equal(gradients[0], gradients[1]);
    }

    [Fact]
    public void Images_of_another_size_are_refused_with_both_sizes()
    {
        SwinTransformer model = new(SwinFixtures.Small);
        ShapeException refusal = Assert.Throws<ShapeException>(() => model.Forward(Tensor.Zeros([2, 3, 16, 24])));
        Assert.Equal("SwinTransformer: pixels are [2, 3, 16, 24], the model takes [2, 3, 64, 64].", refusal.Message);
    }

    [Fact]
    public void Configurations_are_equal_by_their_numbers_and_one_that_no_model_has_is_refused()
    {
        Assert.Equal(SwinConfig.Tiny(), SwinConfig.Tiny() with { Depths = new List<int> { 2, 2, 6, 2 } });
        Assert.NotEqual(SwinConfig.Tiny(), SwinConfig.Small());
        Assert.Contains("Depths = [2, 2, 6, 2]", SwinConfig.Tiny().ToString(), StringComparison.Ordinal);
        Refused(SwinFixtures.Small with { Heads = [2, 4] }, "3 stages by their depths and 2 by their heads");
        Refused(SwinFixtures.Small with { Heads = [2, 3, 4] }, "width 16 of stage 1 is not a multiple of 3 heads");
        Refused(SwinFixtures.Small with { ImageSize = 66 }, "divide into patches of 4");
        Refused(SwinFixtures.Small with { WindowSize = 0 }, "must be positive");
        Refused(SwinFixtures.Small with { Depths = [1, 0, 1] }, "stage 1 has 0 blocks");

        static void Refused(SwinConfig config, string problem) =>
            Assert.Contains(problem, Assert.Throws<ArgumentException>(() => new SwinTransformer(config)).Message, StringComparison.Ordinal);
    }
}
