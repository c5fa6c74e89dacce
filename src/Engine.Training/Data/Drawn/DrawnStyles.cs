using System.Numerics;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// How a domain turns distances into colour. A style is drawn once an image and asked once a pixel; it is a struct so
/// that the loop over the pixels is compiled for each.
/// </summary>
interface IDrawnStyle
{
    /// <summary>Standard deviation of the noise added to every channel.</summary>
    float Grain { get; }

    /// <summary>Where the shadow's shape lies, relative to the shape; null without one.</summary>
    Vector2? Shadow { get; }

    /// <summary>The colour of a pixel.</summary>
    /// <param name="place">The pixel's centre, in pixels.</param>
    /// <param name="shape">Signed distance to the shape, in pixels, negative inside.</param>
    /// <param name="stroke">Signed distance to the nearest stroke.</param>
    /// <param name="shadow">Signed distance to the shadow; anything where there is none.</param>
    Vector3 Colour(Vector2 place, float shape, float stroke, float shadow);
}

static class Coverage
{
    /// <summary>How much of a pixel lies inside an edge at a signed distance; <paramref name="blur"/> pixels wide.</summary>
    public static float Of(float distance, float blur = 1) => Math.Clamp(0.5f - distance / blur, 0f, 1f);
}

/// <summary>See <see cref="DrawnDomain.Filled"/>.</summary>
readonly struct FilledStyle : IDrawnStyle
{
    readonly Vector3 ground, figure, ink;
    readonly bool strokesInFront;

    public FilledStyle(in DrawnScene scene, ref PhiloxSequence random)
    {
        (ground, figure) = DrawnColour.Pair(ref random, saturation: 0.8f, contrast: 0.2f);
        ink = DrawnColour.Random(ref random, 0.8f, random.Uniform(0.1f, 0.9f));
        strokesInFront = scene.StrokesInFront;
    }

    public float Grain => 0.02f;

    public Vector2? Shadow => null;

    public Vector3 Colour(Vector2 place, float shape, float stroke, float shadow)
    {
        float inked = Coverage.Of(stroke), covered = Coverage.Of(shape);
        return strokesInFront
            ? Vector3.Lerp(Vector3.Lerp(ground, figure, covered), ink, inked)
            : Vector3.Lerp(Vector3.Lerp(ground, ink, inked), figure, covered);
    }
}

/// <summary>See <see cref="DrawnDomain.Sketch"/>.</summary>
readonly struct SketchStyle : IDrawnStyle
{
    readonly Vector3 paper, pencil;
    readonly ValueNoise hand, pressure;
    readonly float unit, halfWidth, wobble;

    public SketchStyle(int size, ref PhiloxSequence random)
    {
        unit = size / 32f;
        paper = DrawnColour.Of(random.Uniform(0.05f, 0.18f), random.Uniform(0f, 0.3f), random.Uniform(0.8f, 0.95f));
        pencil = new Vector3(random.Uniform(0.1f, 0.42f));
        hand = new ValueNoise(random.NextBits());
        pressure = new ValueNoise(random.NextBits());
        halfWidth = unit * random.Uniform(0.4f, 0.75f);
        wobble = unit * 1.6f;
    }

    public float Grain => 0.045f;

    public Vector2? Shadow => null;

    public Vector3 Colour(Vector2 place, float shape, float stroke, float shadow)
    {
        if (stroke > 1 && Math.Abs(shape) > halfWidth + wobble + 1)
            return paper;
        float trembling = (hand.At(place / (6 * unit), 1) - 0.5f) * wobble;
        float line = Math.Min(Math.Abs(shape + trembling) - halfWidth, stroke);
        float strength = Math.Clamp(0.35f + 1.1f * pressure.At(place / (4 * unit), 1), 0f, 1f);
        return Vector3.Lerp(paper, pencil, Coverage.Of(line) * strength);
    }
}

/// <summary>See <see cref="DrawnDomain.Textured"/>.</summary>
readonly struct TexturedStyle : IDrawnStyle
{
    readonly Pattern ground, figure;
    readonly Vector3 ink;
    readonly bool strokesInFront;

    public TexturedStyle(in DrawnScene scene, int size, ref PhiloxSequence random)
    {
        var (groundColour, figureColour) = DrawnColour.Pair(ref random, saturation: 0.75f, contrast: 0.2f);
        int groundKind = random.Below(Pattern.Kinds);
        int figureKind = (groundKind + 1 + random.Below(Pattern.Kinds - 1)) % Pattern.Kinds;
        ground = new Pattern(groundKind, groundColour, size, ref random);
        figure = new Pattern(figureKind, figureColour, size, ref random);
        ink = DrawnColour.Random(ref random, 0.8f, random.Uniform(0.1f, 0.9f));
        strokesInFront = scene.StrokesInFront;
    }

    public float Grain => 0.03f;

    public Vector2? Shadow => null;

    public Vector3 Colour(Vector2 place, float shape, float stroke, float shadow)
    {
        float inked = Coverage.Of(stroke), covered = Coverage.Of(shape);
        var below = covered < 1 ? ground.At(place) : default;
        var above = covered > 0 ? figure.At(place) : default;
        return strokesInFront
            ? Vector3.Lerp(Vector3.Lerp(below, above, covered), ink, inked)
            : Vector3.Lerp(Vector3.Lerp(below, ink, inked), above, covered);
    }

    /// <summary>Two shades of a colour in stripes, checks or dots.</summary>
    readonly struct Pattern
    {
        public const int Kinds = 3;

        readonly int kind;
        readonly Vector3 first, second;
        readonly Vector2 across, along;     // periods a pixel

        public Pattern(int kind, Vector3 colour, int size, ref PhiloxSequence random)
        {
            this.kind = kind;
            float spread = random.Uniform(0.15f, 0.3f);
            first = Vector3.Clamp(colour * (1 - spread), Vector3.Zero, Vector3.One);
            second = Vector3.Clamp(colour + new Vector3(spread * 0.7f), Vector3.Zero, Vector3.One);
            float period = size / 32f * random.Uniform(3.5f, 6f);
            var (sin, cos) = MathF.SinCos(random.Uniform(0, MathF.PI));
            across = new Vector2(cos, sin) / period;
            along = new Vector2(-sin, cos) / period;
        }

        public Vector3 At(Vector2 place)
        {
            float u = Triangle(Vector2.Dot(place, across)), v = Triangle(Vector2.Dot(place, along));
            float mix = kind switch
            {
                0 => 0.5f + 3 * u,                                  // stripes
                1 => 0.5f + 12 * u * v,                             // checks
                _ => 2.6f - 6 * MathF.Sqrt((u - 0.5f) * (u - 0.5f) + (v - 0.5f) * (v - 0.5f)),     // dots
            };
            return Vector3.Lerp(first, second, Math.Clamp(mix, 0f, 1f));
        }

        /// <summary>A wave of period 1 between -1/2 and 1/2 with straight flanks.</summary>
        static float Triangle(float x) => 2 * Math.Abs(x - MathF.Floor(x) - 0.5f) - 0.5f;
    }
}

/// <summary>See <see cref="DrawnDomain.Inverted"/>.</summary>
readonly struct InvertedStyle : IDrawnStyle
{
    readonly Vector3 ground, light, other;
    readonly float reach, fill, halfWidth;

    public InvertedStyle(int size, ref PhiloxSequence random)
    {
        float unit = size / 32f;
        ground = DrawnColour.Random(ref random, 0.6f, random.Uniform(0.01f, 0.08f));
        light = DrawnColour.Random(ref random, 0.9f, random.Uniform(0.5f, 0.85f));
        other = DrawnColour.Random(ref random, 0.9f, random.Uniform(0.25f, 0.6f));
        reach = 1 / (unit * random.Uniform(0.9f, 1.8f));
        fill = random.Uniform(0f, 0.35f);
        halfWidth = unit * random.Uniform(0.4f, 0.7f);
    }

    public float Grain => 0.03f;

    public Vector2? Shadow => null;

    public Vector3 Colour(Vector2 place, float shape, float stroke, float shadow)
    {
        float rim = Math.Abs(shape) - halfWidth;
        float shine = Math.Max(Coverage.Of(rim), 0.55f * MathF.Exp(-Math.Max(rim, 0) * reach));
        shine = Math.Max(shine, fill * Coverage.Of(shape));
        float spark = Math.Max(Coverage.Of(stroke), 0.4f * MathF.Exp(-Math.Max(stroke, 0) * 1.5f * reach));
        return ground + light * shine + other * (spark * (1 - 0.8f * shine));
    }
}

/// <summary>See <see cref="DrawnDomain.Photo"/>.</summary>
readonly struct PhotoStyle : IDrawnStyle
{
    readonly Vector3 groundDark, groundBright, figure, ink;
    readonly ValueNoise ground, surface;
    readonly Vector2 lightFrom, center, middle, shadowOffset;
    readonly float radius, groundScale, blur, shadowStrength, inverseDiagonalSquared, vignette;

    public PhotoStyle(in DrawnScene scene, int size, ref PhiloxSequence random)
    {
        float unit = size / 32f;
        var (below, above) = DrawnColour.Pair(ref random, saturation: 0.45f, contrast: 0.2f);
        groundDark = below * 0.75f;
        groundBright = Vector3.Lerp(below, Vector3.One, 0.2f);
        figure = above;
        ink = Vector3.Lerp(DrawnColour.Random(ref random, 0.5f, random.Uniform(0.15f, 0.7f)), below, 0.3f);
        ground = new ValueNoise(random.NextBits());
        surface = new ValueNoise(random.NextBits());
        groundScale = 1 / (unit * random.Uniform(5f, 14f));
        var (sin, cos) = MathF.SinCos(random.Uniform(0, 2 * MathF.PI));
        lightFrom = new Vector2(cos, sin);
        shadowOffset = -lightFrom * (unit * random.Uniform(1f, 2.5f));
        shadowStrength = random.Uniform(0.25f, 0.55f);
        blur = unit * random.Uniform(1.2f, 2.2f);
        vignette = random.Uniform(0f, 0.35f);
        center = scene.Center;
        radius = scene.Radius;
        middle = new Vector2(size / 2f);
        inverseDiagonalSquared = 1 / (2 * middle.X * middle.X);
        Grain = random.Uniform(0.04f, 0.09f);
    }

    public float Grain { get; }

    public Vector2? Shadow => shadowOffset;

    public Vector3 Colour(Vector2 place, float shape, float stroke, float shadow)
    {
        float covered = Coverage.Of(shape, blur);
        var colour = covered < 1 ? Ground(place, stroke, shadow) : default;
        if (covered > 0)
            colour = Vector3.Lerp(colour, Figure(place, shape), covered);
        return colour * (1 - vignette * (place - middle).LengthSquared() * inverseDiagonalSquared);
    }

    Vector3 Ground(Vector2 place, float stroke, float shadow)
    {
        var colour = Vector3.Lerp(groundDark, groundBright, ground.At(place * groundScale, 2));
        colour = Vector3.Lerp(colour, ink, 0.8f * Coverage.Of(stroke, blur));
        return colour * (1 - shadowStrength * Coverage.Of(shadow, 3 * blur));
    }

    /// <summary>Lit from one side, rounded towards the edge, with an uneven surface.</summary>
    Vector3 Figure(Vector2 place, float shape)
    {
        float side = Vector2.Dot(place - center, lightFrom) / radius;
        float round = Math.Clamp(-shape / (0.35f * radius), 0f, 1f);
        float uneven = 0.3f * (surface.At(place * (2 * groundScale), 1) - 0.5f);
        return figure * ((0.85f + 0.25f * side) * (0.75f + 0.25f * round) + uneven);
    }
}
