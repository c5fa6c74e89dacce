using StbImageSharp;

namespace Engine.Training;

/// <summary>
/// Reads JPEG, PNG and BMP files as 8-bit RGB. The pixels are decoded by StbImageSharp; what it lets pass silently
/// (truncated entropy data comes out grey, checksums are not looked at, a header may ask for any amount of memory)
/// is refused here before it decodes.
/// </summary>
/// <remarks>
/// Colours follow PIL's <c>convert("RGB")</c>: alpha is dropped, not composed; grey is replicated; palettes are looked
/// up; orientation tags are ignored. 16-bit channels keep their high byte, also for grey, where PIL clips instead and
/// gives a white image. PNG and BMP pixels are PIL's exactly; JPEG pixels are within a few steps of libjpeg's, whose
/// inverse transform and chroma upsampling round differently.
/// </remarks>
public static class ImageDecoder
{
    /// <summary>The largest image that is decoded, in pixels: 128 Mi, 384 MiB decoded.</summary>
    public const long MaxPixels = 1L << 27;

    /// <summary>Reads a file.</summary>
    /// <exception cref="ImageException">The file is missing, unreadable, no image, damaged, cut off or too large.</exception>
    public static RgbImage Decode(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] data;
        try
        {
            data = File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ImageException(path, "no such file", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ImageException(path, $"cannot be read ({FirstLine(exception)})", exception);
        }
        return Decode(data, path);
    }

    /// <summary>Decodes a file's bytes.</summary>
    /// <param name="data">The whole file.</param>
    /// <param name="name">What messages call it, usually its path.</param>
    /// <param name="maxPixels">The largest width * height that is decoded.</param>
    /// <exception cref="ImageException">The bytes are no image, damaged, cut off or too large.</exception>
    public static RgbImage Decode(byte[] data, string name, long maxPixels = MaxPixels)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentException.ThrowIfNullOrEmpty(name);
        var inspection = Inspect(data);
        if (inspection.Fault is { } fault)
            throw new ImageException(name, fault);
        if ((long)inspection.Width * inspection.Height > maxPixels)
            throw new ImageException(name, $"the image is {inspection.Width}x{inspection.Height}, more than the {maxPixels} pixels that are decoded; scale it down");

        ImageResult result;
        try
        {
            result = ImageResult.FromMemory(data, ColorComponents.RedGreenBlue);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // The library throws whatever its pointer arithmetic met: the file is at fault, whatever the type.
            throw new ImageException(name, $"damaged {inspection.Format} data ({FirstLine(exception)}); replace or remove the file", exception);
        }
        return new RgbImage(result.Width, result.Height, result.Data);
    }

    static ImageInspection Inspect(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
            return ImageInspection.Refuse("?", "the file is empty; replace or remove it");
        if (data.StartsWith(PngInspector.Signature))
            return PngInspector.Inspect(data);
        if (data.StartsWith(JpegInspector.Signature))
            return JpegInspector.Inspect(data);
        if (data.StartsWith("BM"u8))
            return BmpInspector.Inspect(data);
        return ImageInspection.Refuse("?", $"not a JPEG, PNG or BMP image ({Describe(data)}); remove it or convert it");
    }

    /// <summary>Says what a file that is no image looks like, since its extension said otherwise.</summary>
    static string Describe(ReadOnlySpan<byte> data)
    {
        if (data.StartsWith("GIF8"u8))
            return "it is a GIF";
        if (data.Length > 12 && data.StartsWith("RIFF"u8) && data[8..].StartsWith("WEBP"u8))
            return "it is a WebP";
        if (data.StartsWith("II*\0"u8) || data.StartsWith("MM\0*"u8))
            return "it is a TIFF";
        if (data.Length > 12 && data[4..].StartsWith("ftyp"u8))
            return "it is an HEIF, AVIF or MP4 container";
        var head = data[..Math.Min(data.Length, 64)];
        return head.ContainsAnyExceptInRange((byte)9, (byte)126)
            ? $"it begins with bytes {Convert.ToHexString(data[..Math.Min(data.Length, 4)])}"
            : "it is a text file";
    }

    static string FirstLine(Exception exception)
    {
        string message = exception.Message;
        int end = message.AsSpan().IndexOfAny('\r', '\n');
        return (end < 0 ? message : message[..end]).TrimEnd('.');
    }
}
