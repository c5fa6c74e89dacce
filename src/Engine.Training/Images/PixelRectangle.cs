namespace Engine.Training;

/// <summary>A rectangle of pixels: the left upper corner and the size.</summary>
public readonly record struct PixelRectangle(int Left, int Top, int Width, int Height)
{
    /// <summary>A whole image.</summary>
    public static PixelRectangle Of(RgbImage image) => new(0, 0, image.Width, image.Height);

    /// <summary>Whether every pixel of the rectangle lies in the image.</summary>
    public bool IsInside(RgbImage image) =>
        Left >= 0 && Top >= 0 && Width > 0 && Height > 0 && Left <= image.Width - Width && Top <= image.Height - Height;
}
