namespace Engine.Training.Tests;

/// <summary>Renderings of images, against values worked out by hand.</summary>
public sealed class RenderingTests
{
    // A dark left half beside a bright right one.
    static RgbImage Step()
    {
        RgbImage image = new(4, 3);
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 4; x++) image.Row(y).Slice(3 * x, 3).Fill((byte)(x < 2 ? 20 : 100));
        return image;
    }

    [Fact]
    public void Edges_are_where_brightness_changes_and_nowhere_else()
    {
        RgbImage edges = Renderings.Apply(Step(), Rendering.Edges);
        // Sobel across the step: (1 + 2 + 1) * 80 / 2 = 160; two pixels wide; nothing at the border of the image.
        byte[] row = [.. Enumerable.Range(0, 4).Select(x => edges[x, 1].R)];
        Assert.Equal([0, 160, 160, 0], row);
        Assert.Equal(row, Enumerable.Range(0, 4).Select(x => edges[x, 0].B));
    }

    [Fact]
    public void Grey_posterised_and_negative_are_functions_of_each_pixel()
    {
        RgbImage image = new(1, 1, [200, 100, 50]);
        Assert.Equal((200, 100, 50), Of(Rendering.Colour));
        Assert.Equal((124, 124, 124), Of(Rendering.Grey));              // 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
        Assert.Equal((192, 64, 0), Of(Rendering.Posterised));
        Assert.Equal((55, 155, 205), Of(Rendering.Negative));
        Assert.Equal([200, 100, 50], image.Pixels);
        (int, int, int) Of(Rendering rendering) => Renderings.Apply(image, rendering)[0, 0];
    }
}
