using System.Numerics;
using System.Runtime.Intrinsics;

namespace Engine.Training;

/// <summary>A closed polygon's exact signed distance, eight places at a time: negative inside.</summary>
sealed class Polygon
{
    readonly Edge[] edges;

    /// <param name="vertices">In order, either way round; the last is joined to the first.</param>
    public Polygon(params ReadOnlySpan<Vector2> vertices)
    {
        edges = new Edge[vertices.Length];
        for (int i = 0; i < vertices.Length; i++)
            edges[i] = new Edge(vertices[i], vertices[(i + 1) % vertices.Length]);
    }

    /// <summary>Vertices on a circle of radius 1, the first at the top; with <paramref name="inner"/> a star.</summary>
    public static Polygon Regular(int corners, float inner = 0)
    {
        int count = inner > 0 ? 2 * corners : corners;
        var vertices = new Vector2[count];
        for (int i = 0; i < count; i++)
        {
            var (sin, cos) = MathF.SinCos(2 * MathF.PI * i / count);
            vertices[i] = new Vector2(sin, -cos) * (inner > 0 && i % 2 == 1 ? inner : 1f);
        }
        return new Polygon(vertices);
    }

    public Vector256<float> Distance(Vector256<float> x, Vector256<float> y)
    {
        var nearest = Vector256.Create(float.MaxValue);
        var inside = Vector256<float>.Zero;         // a mask
        foreach (ref readonly var edge in edges.AsSpan())
        {
            nearest = Vector256.Min(nearest, edge.DistanceSquared(x, y));

            // The even-odd rule: does a ray to the right cross this edge?
            var fromX = x - Vector256.Create(edge.StartX);
            var fromY = y - Vector256.Create(edge.StartY);
            var startsBelow = Vector256.GreaterThanOrEqual(fromY, Vector256<float>.Zero);
            var endsBelow = Vector256.GreaterThanOrEqual(fromY, Vector256.Create(edge.AlongY));
            var right = Vector256.GreaterThan(fromY * edge.AlongX, fromX * edge.AlongY);
            inside ^= Vector256.AndNot(startsBelow ^ endsBelow, right ^ startsBelow);
        }
        var distance = Vector256.Sqrt(nearest);
        return Vector256.ConditionalSelect(inside, -distance, distance);
    }
}

/// <summary>A straight line between two places.</summary>
readonly struct Edge(Vector2 start, Vector2 end)
{
    public readonly float StartX = start.X, StartY = start.Y;
    public readonly float AlongX = end.X - start.X, AlongY = end.Y - start.Y;
    readonly float inverseLengthSquared = 1f / (end - start).LengthSquared();

    public Vector256<float> DistanceSquared(Vector256<float> x, Vector256<float> y)
    {
        var fromX = x - Vector256.Create(StartX);
        var fromY = y - Vector256.Create(StartY);
        var along = (fromX * AlongX + fromY * AlongY) * inverseLengthSquared;
        along = Vector256.Min(Vector256.Max(along, Vector256<float>.Zero), Vector256<float>.One);
        var offsetX = fromX - along * AlongX;
        var offsetY = fromY - along * AlongY;
        return offsetX * offsetX + offsetY * offsetY;
    }
}
