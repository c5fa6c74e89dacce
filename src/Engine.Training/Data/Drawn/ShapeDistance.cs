using System.Runtime.Intrinsics;

namespace Engine.Training;

/// <summary>
/// Signed distances to the ten shapes in their own space, eight places at a time: around the origin, about a radius of
/// 1, y pointing down, upright; negative inside. The formulas follow Inigo Quilez' catalogue of two-dimensional
/// distance functions.
/// </summary>
static class ShapeDistance
{
    /// <summary>No shape reaches farther from the origin.</summary>
    public const float Extent = 1.2f;

    static readonly Polygon Square = new(new(-0.8f, -0.8f), new(0.8f, -0.8f), new(0.8f, 0.8f), new(-0.8f, 0.8f));
    static readonly Polygon Triangle = Polygon.Regular(3);
    static readonly Polygon Hexagon = Polygon.Regular(6);
    static readonly Polygon Star = Polygon.Regular(5, inner: 0.42f);
    static readonly Polygon Cross = new(
        new(-0.32f, -1), new(0.32f, -1), new(0.32f, -0.32f), new(1, -0.32f), new(1, 0.32f), new(0.32f, 0.32f),
        new(0.32f, 1), new(-0.32f, 1), new(-0.32f, 0.32f), new(-1, 0.32f), new(-1, -0.32f), new(-0.32f, -0.32f));
    static readonly Polygon Arrow = new(
        new(1.05f, 0), new(0.1f, -0.85f), new(0.1f, -0.32f), new(-1, -0.32f), new(-1, 0.32f), new(0.1f, 0.32f), new(0.1f, 0.85f));

    public static Vector256<float> Of(DrawnShape shape, Vector256<float> x, Vector256<float> y) => shape switch
    {
        DrawnShape.Circle => Length(x, y) - Vector256.Create(0.9f),
        DrawnShape.Square => Square.Distance(x, y),
        DrawnShape.Triangle => Triangle.Distance(x, y),
        DrawnShape.Hexagon => Hexagon.Distance(x, y),
        DrawnShape.Star => Star.Distance(x, y),
        DrawnShape.Cross => Cross.Distance(x, y),
        DrawnShape.Ring => Vector256.Abs(Length(x, y) - Vector256.Create(0.72f)) - Vector256.Create(0.24f),
        DrawnShape.Crescent => Crescent(x, y),
        DrawnShape.Heart => Heart(x, y),
        DrawnShape.Arrow => Arrow.Distance(x, y),
        _ => throw new ArgumentOutOfRangeException(nameof(shape), shape, "DrawnDomains: no such shape."),
    };

    public static Vector256<float> Length(Vector256<float> x, Vector256<float> y) => Vector256.Sqrt(x * x + y * y);

    /// <summary>A disc less a smaller one to its right; the horns are where their circles meet.</summary>
    static Vector256<float> Crescent(Vector256<float> x, Vector256<float> y)
    {
        const float outer = 0.98f, inner = 0.82f, apart = 0.5f;
        const float hornX = (outer * outer - inner * inner + apart * apart) / (2 * apart);
        float hornY = MathF.Sqrt(outer * outer - hornX * hornX);
        y = Vector256.Abs(y);
        var arcs = Vector256.Max(Length(x, y) - Vector256.Create(outer), Vector256.Create(inner) - Length(x - Vector256.Create(apart), y));
        var horn = Length(x - Vector256.Create(hornX), y - Vector256.Create(hornY));
        var beyond = Vector256.GreaterThan(
            x * hornY - y * hornX, apart * Vector256.Max(Vector256.Create(hornY) - y, Vector256<float>.Zero));
        return Vector256.ConditionalSelect(beyond, horn, arcs);
    }

    /// <summary>Two half discs of radius sqrt(2)/4 on a square that stands on its corner, scaled to the others' size.</summary>
    static Vector256<float> Heart(Vector256<float> x, Vector256<float> y)
    {
        const float scale = 1.7f, tip = 0.56f, discRadius = 0.35355339f;
        x = Vector256.Abs(x) * (1 / scale);
        y = Vector256.Create(tip) - y * (1 / scale);        // upwards from the tip
        var discs = Length(x - Vector256.Create(0.25f), y - Vector256.Create(0.75f)) - Vector256.Create(discRadius);

        // Below the discs: the nearer of the notch at the top and of the flank x = y.
        var half = 0.5f * Vector256.Max(x + y, Vector256<float>.Zero);
        var toNotch = y - Vector256<float>.One;
        var nearest = Vector256.Min(x * x + toNotch * toNotch, (x - half) * (x - half) + (y - half) * (y - half));
        var distance = Vector256.Sqrt(nearest);
        var flanks = Vector256.ConditionalSelect(Vector256.GreaterThan(x, y), distance, -distance);
        return scale * Vector256.ConditionalSelect(Vector256.GreaterThan(x + y, Vector256<float>.One), discs, flanks);
    }
}
