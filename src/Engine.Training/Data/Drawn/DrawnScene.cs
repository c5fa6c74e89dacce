using System.Numerics;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// What is in a drawn image, before its style: one shape somewhere, and strokes that mean nothing. Lengths are in
/// pixels of the image. The ranges below set how hard the task is.
/// </summary>
readonly struct DrawnScene
{
    const float MinRadius = 0.19f, MaxRadius = 0.34f;       // of the image's side
    const float MaxTilt = 0.6f;                             // radians, either way: a tilted square never is a diamond
    const float MaxStretch = 0.16f;                         // of one axis against the other
    const int MinStrokes = 2, MaxStrokes = 5;

    readonly DrawnShape shape;
    readonly Vector2 center, rightward, downward;           // rows of the map from pixels to the shape's space
    readonly float pixelsPerUnit;
    readonly Stroke[] strokes;

    public DrawnScene(DrawnShape shape, int size, ref PhiloxSequence random)
    {
        this.shape = shape;
        Radius = size * random.Uniform(MinRadius, MaxRadius);
        float margin = 0.9f * Radius;
        center = new Vector2(random.Uniform(margin, size - margin), random.Uniform(margin, size - margin));
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

    /// <summary>Half the shape's extent, in pixels.</summary>
    public float Radius { get; }

    /// <summary>Where the shape is.</summary>
    public Vector2 Center => center;

    /// <summary>Whether the strokes cross the shape or pass behind it.</summary>
    public bool StrokesInFront { get; }

    /// <summary>The signed distance to the shape, negative inside; far away a lower bound.</summary>
    public float ShapeDistanceAt(Vector2 place)
    {
        var offset = place - center;
        var local = new Vector2(Vector2.Dot(offset, rightward), Vector2.Dot(offset, downward));
        float radius = local.Length();
        return pixelsPerUnit * (radius > 2 * ShapeDistance.Extent ? radius - ShapeDistance.Extent : ShapeDistance.Of(shape, local));
    }

    /// <summary>The signed distance to the nearest stroke.</summary>
    public float StrokeDistanceAt(Vector2 place)
    {
        float nearest = float.MaxValue;
        foreach (ref readonly var stroke in strokes.AsSpan())
            nearest = Math.Min(nearest, stroke.Distance(place));
        return nearest;
    }

    /// <summary>A segment with round ends.</summary>
    readonly record struct Stroke(Vector2 Start, Vector2 Along, float InverseLengthSquared, float HalfWidth)
    {
        public static Stroke Random(int size, ref PhiloxSequence random)
        {
            var start = new Vector2(random.Uniform(0, size), random.Uniform(0, size));
            var (sin, cos) = MathF.SinCos(random.Uniform(0, 2 * MathF.PI));
            var along = new Vector2(cos, sin) * (size * random.Uniform(0.15f, 0.5f));
            return new Stroke(start, along, 1f / along.LengthSquared(), size * random.Uniform(0.012f, 0.024f));
        }

        public float Distance(Vector2 place)
        {
            var from = place - Start;
            return (from - Along * Math.Clamp(Vector2.Dot(from, Along) * InverseLengthSquared, 0f, 1f)).Length() - HalfWidth;
        }
    }
}
