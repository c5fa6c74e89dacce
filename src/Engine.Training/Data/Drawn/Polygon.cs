using System.Numerics;

namespace Engine.Training;

/// <summary>A closed polygon's exact signed distance: negative inside.</summary>
sealed class Polygon
{
    readonly Edge[] edges;

    /// <param name="vertices">In order, either way round; the last is joined to the first.</param>
    public Polygon(params ReadOnlySpan<Vector2> vertices)
    {
        edges = new Edge[vertices.Length];
        for (int i = 0; i < vertices.Length; i++)
        {
            var along = vertices[(i + 1) % vertices.Length] - vertices[i];
            edges[i] = new Edge(vertices[i], along, 1f / along.LengthSquared());
        }
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

    public float Distance(Vector2 place)
    {
        float nearest = float.MaxValue;
        bool inside = false;
        foreach (ref readonly var edge in edges.AsSpan())
        {
            var from = place - edge.Start;
            var offset = from - edge.Along * Math.Clamp(Vector2.Dot(from, edge.Along) * edge.InverseLengthSquared, 0f, 1f);
            nearest = Math.Min(nearest, offset.LengthSquared());

            // The even-odd rule: does a ray to the right cross this edge?
            bool startsBelow = from.Y >= 0, endsBelow = from.Y >= edge.Along.Y;
            if (startsBelow != endsBelow && (edge.Along.X * from.Y > edge.Along.Y * from.X) == startsBelow)
                inside = !inside;
        }
        float distance = MathF.Sqrt(nearest);
        return inside ? -distance : distance;
    }

    readonly record struct Edge(Vector2 Start, Vector2 Along, float InverseLengthSquared);
}
