using System.Numerics;

namespace Engine.Training;

/// <summary>
/// Signed distances to the ten shapes in their own space: around the origin, about a radius of 1, y pointing down,
/// upright; negative inside. The formulas follow Inigo Quilez' catalogue of two-dimensional distance functions.
/// </summary>
static class ShapeDistance
{
    /// <summary>No shape reaches farther from the origin.</summary>
    public const float Extent = 1.1f;

    static readonly Polygon Square = new(new(-0.8f, -0.8f), new(0.8f, -0.8f), new(0.8f, 0.8f), new(-0.8f, 0.8f));
    static readonly Polygon Triangle = Polygon.Regular(3);
    static readonly Polygon Hexagon = Polygon.Regular(6);
    static readonly Polygon Star = Polygon.Regular(5, inner: 0.42f);
    static readonly Polygon Cross = new(
        new(-0.32f, -1), new(0.32f, -1), new(0.32f, -0.32f), new(1, -0.32f), new(1, 0.32f), new(0.32f, 0.32f),
        new(0.32f, 1), new(-0.32f, 1), new(-0.32f, 0.32f), new(-1, 0.32f), new(-1, -0.32f), new(-0.32f, -0.32f));
    static readonly Polygon Arrow = new(
        new(1.05f, 0), new(0.1f, -0.85f), new(0.1f, -0.32f), new(-1, -0.32f), new(-1, 0.32f), new(0.1f, 0.32f), new(0.1f, 0.85f));

    public static float Of(DrawnShape shape, Vector2 place) => shape switch
    {
        DrawnShape.Circle => place.Length() - 0.9f,
        DrawnShape.Square => Square.Distance(place),
        DrawnShape.Triangle => Triangle.Distance(place),
        DrawnShape.Hexagon => Hexagon.Distance(place),
        DrawnShape.Star => Star.Distance(place),
        DrawnShape.Cross => Cross.Distance(place),
        DrawnShape.Ring => Math.Abs(place.Length() - 0.72f) - 0.24f,
        DrawnShape.Crescent => Math.Max(place.Length() - 0.98f, 0.82f - (place - new Vector2(0.5f, 0)).Length()),
        DrawnShape.Heart => Heart(place),
        DrawnShape.Arrow => Arrow.Distance(place),
        _ => throw new ArgumentOutOfRangeException(nameof(shape), shape, "DrawnDomains: no such shape."),
    };

    /// <summary>Two quarter discs of radius sqrt(2)/4 over a square that stands on its corner, scaled to the others' size.</summary>
    static float Heart(Vector2 place)
    {
        const float scale = 1.7f;
        float x = Math.Abs(place.X) / scale, y = 0.56f - place.Y / scale;     // y up, the tip at 0
        if (x + y > 1)
            return (new Vector2(x - 0.25f, y - 0.75f).Length() - MathF.Sqrt(2) / 4) * scale;
        float half = 0.5f * Math.Max(x + y, 0);
        float nearest = Math.Min(new Vector2(x, y - 1).LengthSquared(), new Vector2(x - half, y - half).LengthSquared());
        return MathF.Sqrt(nearest) * Math.Sign(x - y) * scale;
    }
}
