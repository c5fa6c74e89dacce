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

    /// <summary>One shape that fills most of the image.</summary>
    public static void Paint(Philox source, DrawnDomain domain, DrawnShape shape, RgbImage image)
    {
        var random = new PhiloxSequence(source);
        Paint(source, domain, [new DrawnScene(shape, image.Width, ref random)], random, image, mask: null);
    }

    /// <summary>Several shapes that do not touch, in one style, and the strokes of the first.</summary>
    /// <param name="source">The image's stream.</param>
    /// <param name="domain">The style.</param>
    /// <param name="scenes">At least one.</param>
    /// <param name="random">What decides the style; the shapes share it.</param>
    /// <param name="image">Where to; square.</param>
    /// <param name="mask">1 + the shape is written where a pixel's middle is inside one, 0 elsewhere; or null.</param>
    public static void Paint(Philox source, DrawnDomain domain, DrawnScene[] scenes, PhiloxSequence random, RgbImage image, LabelMask? mask)
    {
        int size = image.Width;
        switch (domain)
        {
            case DrawnDomain.Filled: Paint(source, scenes, Styles(scene => { var own = random; return new FilledStyle(scene, ref own); }), image, mask); break;
            case DrawnDomain.Sketch: Paint(source, scenes, Styles(_ => { var own = random; return new SketchStyle(size, ref own); }), image, mask); break;
            case DrawnDomain.Textured: Paint(source, scenes, Styles(scene => { var own = random; return new TexturedStyle(scene, size, ref own); }), image, mask); break;
            case DrawnDomain.Inverted: Paint(source, scenes, Styles(_ => { var own = random; return new InvertedStyle(size, ref own); }), image, mask); break;
            case DrawnDomain.Photo: Paint(source, scenes, Styles(scene => { var own = random; return new PhotoStyle(scene, size, ref own); }), image, mask); break;
            default: throw new ArgumentOutOfRangeException(nameof(domain), domain, "DrawnDomains: no such domain.");
        }

        // Copies of one sequence: the same ground and colours, each lit around its own shape.
        TStyle[] Styles<TStyle>(Func<DrawnScene, TStyle> make) => Array.ConvertAll(scenes, scene => make(scene));
    }

    static void Paint<TStyle>(Philox source, DrawnScene[] scenes, TStyle[] styles, RgbImage image, LabelMask? mask) where TStyle : struct, IDrawnStyle
    {
        int lanes = Vector256<float>.Count;
        int padded = (image.Width + lanes - 1) / lanes * lanes;
        Span<float> shape = new float[3 * padded], stroke = shape.Slice(padded, padded), shadow = shape[(2 * padded)..];
        var nearest = new int[padded];
        ulong counter = FirstGrain;
        for (int y = 0; y < image.Height; y++)
        {
            var centerY = Vector256.Create(y + 0.5f);
            for (int x = 0; x < image.Width; x += lanes)
            {
                var centerX = Vector256.CreateSequence(x + 0.5f, 1f);
                var (distance, shade, which) = (Vector256.Create(float.MaxValue), Vector256.Create(float.MaxValue), Vector256<int>.Zero);
                for (int k = 0; k < scenes.Length; k++)
                {
                    var toShape = scenes[k].ShapeDistanceAt(centerX, centerY);
                    which = Vector256.ConditionalSelect(Vector256.LessThan(toShape, distance).AsInt32(), Vector256.Create(k), which);
                    distance = Vector256.Min(distance, toShape);
                    if (styles[k].Shadow is { } offset)
                        shade = Vector256.Min(shade, scenes[k].ShapeDistanceAt(centerX - Vector256.Create(offset.X), centerY - Vector256.Create(offset.Y)));
                }
                distance.CopyTo(shape[x..]);
                shade.CopyTo(shadow[x..]);
                which.CopyTo(nearest, x);
                scenes[0].StrokeDistanceAt(centerX, centerY).CopyTo(stroke[x..]);
            }
            var row = image.Row(y);
            for (int x = 0; x < image.Width; x++)
            {
                ref readonly var style = ref styles[nearest[x]];
                var colour = style.Colour(new Vector2(x + 0.5f, y + 0.5f), shape[x], stroke[x], shadow[x]);
                var bits = source.At(counter++);
                colour += style.Grain * new Vector3(Bell(bits.X), Bell(bits.Y), Bell(bits.Z));
                colour = Vector3.Clamp(colour, Vector3.Zero, Vector3.One) * 255f + new Vector3(0.5f);
                row[3 * x] = (byte)colour.X;
                row[3 * x + 1] = (byte)colour.Y;
                row[3 * x + 2] = (byte)colour.Z;
                if (mask is not null)
                    mask.Row(y)[x] = (byte)(shape[x] < 0 ? 1 + (int)scenes[nearest[x]].Shape : 0);
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
