using System.Numerics;
using System.Runtime.Intrinsics;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// What is in a drawn image, before its style: one shape somewhere, and strokes that mean nothing. Lengths are in
/// pixels of the image. The ranges below set how hard the task is.
/// </summary>
readonly struct DrawnScene
{
    const float MinRadius = 0.30f, MaxRadius = 0.42f;       // of the image's side
    const float MaxOffset = 0.10f;                          // of the shape's centre from the image's, as a share of its side
    const float MaxTilt = 0.30f;                            // radians, either way: a tilted square never is a diamond
    const float MaxStretch = 0.10f;                         // of one axis against the other, logarithmic
    const int MinStrokes = 0, MaxStrokes = 2;

    readonly DrawnShape shape;
    readonly Vector2 rightward, downward;                   // rows of the map from pixels to the shape's space
    readonly float pixelsPerUnit;
    readonly Stroke[] strokes;

    public DrawnScene(DrawnShape shape, int size, ref PhiloxSequence random)
        : this(shape, size, size * random.Uniform(MinRadius, MaxRadius), new Vector2(Near(size, ref random), Near(size, ref random)), ref random)
    {
    }

    /// <summary>A shape at a place, and strokes anywhere.</summary>
    public DrawnScene(DrawnShape shape, int size, float radius, Vector2 center, ref PhiloxSequence random)
    {
        this.shape = shape;
        (Radius, Center) = (radius, center);
        float stretch = MathF.Exp(random.Uniform(-MaxStretch, MaxStretch));
        float across = Radius * stretch, down = Radius / stretch;
        var (sin, cos) = MathF.SinCos(random.Uniform(-MaxTilt, MaxTilt));
        rightward = new Vector2(cos, sin) / across;
        downward = new Vector2(-sin, cos) / down;
        pixelsPerUnit = Math.Min(across, down);
        StrokesInFront = random.Chance(0.5f);

        strokes = new Stroke[MinStrokes + random.Below(MaxStrokes - MinStrokes + 1)];
        for (int i = 0; i < strokes.Length; i++)
            strokes[i] = Stroke.Random(size, ref random);
    }

    /// <summary>Which shape.</summary>
    public DrawnShape Shape => shape;

    /// <summary>Half the shape's extent, in pixels.</summary>
    public float Radius { get; }

    /// <summary>Where the shape is.</summary>
    public Vector2 Center { get; }

    /// <summary>Whether the strokes cross the shape or pass behind it.</summary>
    public bool StrokesInFront { get; }

    /// <summary>The signed distance to the shape, negative inside; far away a lower bound.</summary>
    public Vector256<float> ShapeDistanceAt(Vector256<float> x, Vector256<float> y)
    {
        x -= Vector256.Create(Center.X);
        y -= Vector256.Create(Center.Y);
        var localX = x * rightward.X + y * rightward.Y;
        var localY = x * downward.X + y * downward.Y;

        // Beyond twice the extent no style needs more than the distance to the circle around the shape.
        var toCircle = ShapeDistance.Length(localX, localY) - Vector256.Create(ShapeDistance.Extent);
        var far = Vector256.GreaterThan(toCircle, Vector256.Create(ShapeDistance.Extent));
        if (far.AsUInt32() == Vector256<uint>.AllBitsSet)
            return toCircle * pixelsPerUnit;
        return pixelsPerUnit * Vector256.ConditionalSelect(far, toCircle, ShapeDistance.Of(shape, localX, localY));
    }

    /// <summary>The signed distance to the nearest stroke.</summary>
    public Vector256<float> StrokeDistanceAt(Vector256<float> x, Vector256<float> y)
    {
        var nearest = Vector256.Create(float.MaxValue);
        foreach (ref readonly var stroke in strokes.AsSpan())
            nearest = Vector256.Min(nearest, Vector256.Sqrt(stroke.Line.DistanceSquared(x, y)) - Vector256.Create(stroke.HalfWidth));
        return nearest;
    }

    static float Near(int size, ref PhiloxSequence random) => 0.5f * size + random.Uniform(-MaxOffset * size, MaxOffset * size);

    /// <summary>A line with round ends.</summary>
    readonly record struct Stroke(Edge Line, float HalfWidth)
    {
        public static Stroke Random(int size, ref PhiloxSequence random)
        {
            var start = new Vector2(random.Uniform(0, size), random.Uniform(0, size));
            var (sin, cos) = MathF.SinCos(random.Uniform(0, 2 * MathF.PI));
            var end = start + new Vector2(cos, sin) * (size * random.Uniform(0.15f, 0.5f));
            return new Stroke(new Edge(start, end), size * random.Uniform(0.012f, 0.024f));
        }
    }
}
