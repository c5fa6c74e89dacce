using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>Draws one image: the scene, then the domain's style over it, then grain.</summary>
static class DrawnPainter
{
    /// <summary>Grain has counters of its own in the image's stream, far behind those of the scene.</summary>
    const ulong FirstGrain = 1UL << 32;

    public static void Paint(Philox source, DrawnDomain domain, DrawnShape shape, RgbImage image)
    {
        int size = image.Width;
        var random = new PhiloxSequence(source);
        var scene = new DrawnScene(shape, size, ref random);
        switch (domain)
        {
            case DrawnDomain.Filled: Paint(source, scene, new FilledStyle(scene, ref random), image); break;
            case DrawnDomain.Sketch: Paint(source, scene, new SketchStyle(size, ref random), image); break;
            case DrawnDomain.Textured: Paint(source, scene, new TexturedStyle(scene, size, ref random), image); break;
            case DrawnDomain.Inverted: Paint(source, scene, new InvertedStyle(size, ref random), image); break;
            case DrawnDomain.Photo: Paint(source, scene, new PhotoStyle(scene, size, ref random), image); break;
            default: throw new ArgumentOutOfRangeException(nameof(domain), domain, "DrawnDomains: no such domain.");
        }
    }

    static void Paint<TStyle>(Philox source, in DrawnScene scene, TStyle style, RgbImage image) where TStyle : struct, IDrawnStyle
    {
        int lanes = Vector256<float>.Count;
        int padded = (image.Width + lanes - 1) / lanes * lanes;
        Span<float> shape = new float[3 * padded], stroke = shape.Slice(padded, padded), shadow = shape[(2 * padded)..];
        ulong counter = FirstGrain;
        for (int y = 0; y < image.Height; y++)
        {
            var centerY = Vector256.Create(y + 0.5f);
            for (int x = 0; x < image.Width; x += lanes)
            {
                var centerX = Vector256.CreateSequence(x + 0.5f, 1f);
                scene.ShapeDistanceAt(centerX, centerY).CopyTo(shape[x..]);
                scene.StrokeDistanceAt(centerX, centerY).CopyTo(stroke[x..]);
                if (style.Shadow is { } offset)
                    scene.ShapeDistanceAt(centerX - Vector256.Create(offset.X), centerY - Vector256.Create(offset.Y)).CopyTo(shadow[x..]);
            }
            var row = image.Row(y);
            for (int x = 0; x < image.Width; x++)
            {
                var colour = style.Colour(new Vector2(x + 0.5f, y + 0.5f), shape[x], stroke[x], shadow[x]);
                var bits = source.At(counter++);
                colour += style.Grain * new Vector3(Bell(bits.X), Bell(bits.Y), Bell(bits.Z));
                colour = Vector3.Clamp(colour, Vector3.Zero, Vector3.One) * 255f + new Vector3(0.5f);
                row[3 * x] = (byte)colour.X;
                row[3 * x + 1] = (byte)colour.Y;
                row[3 * x + 2] = (byte)colour.Z;
            }
        }
    }

    /// <summary>
    /// Nearly normal, mean 0 and deviation 1: the sum of a word's four bytes. A byte has mean 127.5 and variance
    /// (256^2 - 1) / 12.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Bell(uint bits)
    {
        const float mean = 4 * 127.5f, inverseDeviation = 1 / 147.8f;
        uint pairs = (bits & 0x00FF00FF) + (bits >> 8 & 0x00FF00FF);
        return ((pairs & 0xFFFF) + (pairs >> 16) - mean) * inverseDeviation;
    }
}
