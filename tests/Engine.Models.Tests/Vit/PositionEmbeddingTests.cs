using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

/// <summary>
/// Positions for another image size, against the definition written out once more: timm's <c>resample_abs_pos_embed</c> takes
/// the prefix tokens aside and resizes the grid with torch's antialiased bicubic filter, whose weights are Pillow's.
/// </summary>
public sealed class PositionEmbeddingTests
{
    [Theory]
    [InlineData("vit_timm", 64)]            // 4 x 4 patches to 8 x 8
    [InlineData("vit_hf", 56)]              // to 7 x 7
    [InlineData("vit_torchvision", 24)]     // to 3 x 3: the filter is widened
    [InlineData("clip_vision_hf", 16)]      // to 2 x 2
    [InlineData("clip_vision_hf", 40)]      // to 5 x 5
    public void Positions_are_resized_as_timm_does(string name, int imageSize)
    {
        using StepScope step = StepScope.Begin();
        string folder = ModelFixtures.Folder(name);
        VisionTransformer stored = ModelFolder.Load<VisionTransformer>(folder).Model, resized = ModelFolder.Load<VisionTransformer>(folder, new() { ImageSize = imageSize }).Model;
        int width = stored.Config.Width, from = stored.ImageSize / stored.Config.PatchSize, to = imageSize / stored.Config.PatchSize;
        float[] before = stored["position_embedding"].Value.ToArray<float>(), after = resized["position_embedding"].Value.ToArray<float>();
        Assert.Equal((1 + to * to) * width, after.Length);
        Assert.Equal(before[..width], after[..width]);          // the class token's
        for (int row = 0; row < to; row++)
        {
            for (int column = 0; column < to; column++)
            {
                for (int d = 0; d < width; d++)
                {
                    double expected = Pixel((y, x) => before[(1 + y * from + x) * width + d], from, to, row, column);
                    Assert.Equal(expected, after[(1 + row * to + column) * width + d], 2e-6);
                }
            }
        }

        Assert.Equal([1, 7], resized.Forward(Tensor.Ones([1, 3, imageSize, imageSize])).Shape);
    }

    [Fact]
    public void The_same_size_keeps_every_bit()
    {
        string folder = ModelFixtures.Folder("vit_timm");
        TensorAssert.SameBits(
            ModelFolder.Load<VisionTransformer>(folder, new() { ImageSize = 32 }).Model["position_embedding"].Value,
            ModelFolder.Load<VisionTransformer>(folder).Model["position_embedding"].Value, "positions");
    }

    [Fact]
    public void A_size_that_patches_do_not_divide_is_refused()
    {
        string message = Assert.ThrowsAny<Exception>(() => ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder("vit_timm"), new() { ImageSize = 33 })).Message;
        Assert.Contains("images of 33 pixels do not divide into patches of 8", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_grid_that_is_no_square_is_refused()
    {
        using SafeTensorsScratch scratch = new();
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        File.WriteAllText(Path.Combine(folder, "config.json"), """{"architecture": "vit_base_patch8_32", "num_classes": 7, "pretrained_cfg": {"input_size": [3, 32, 64]}}""");
        string message = Assert.Throws<CheckpointException>(() => ModelFolder.Load<VisionTransformer>(folder)).Message;
        Assert.Contains("\"pretrained_cfg.input_size\" is 32 x 64; images are square here", message, StringComparison.Ordinal);
    }

    // One pixel from all source pixels, each weighted by its distance; Pillow's Resample.c leaves out what is off the picture
    // and divides by the sum.
    static double Pixel(Func<int, int, double> source, int from, int to, int row, int column)
    {
        double sum = 0, weights = 0;
        for (int y = 0; y < from; y++)
        {
            for (int x = 0; x < from; x++)
            {
                double weight = Weight(y, row, from, to) * Weight(x, column, from, to);
                sum += weight * source(y, x);
                weights += weight;
            }
        }

        return sum / weights;
    }

    static double Weight(int source, int target, int from, int to)
    {
        double scale = (double)from / to, stretch = Math.Max(1, scale);
        double distance = Math.Abs(source + 0.5 - (target + 0.5) * scale) / stretch;

        // Keys' cubic convolution with a = -1/2, in powers of the distance.
        return distance < 1 ? 1.5 * Math.Pow(distance, 3) - 2.5 * distance * distance + 1
            : distance < 2 ? -0.5 * Math.Pow(distance, 3) + 2.5 * distance * distance - 4 * distance + 2
            : 0;
    }
}
