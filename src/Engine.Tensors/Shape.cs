using System.Collections;
using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>The extents of a tensor, outermost axis first. [] is a single number; an extent of 0 is allowed.</summary>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public readonly struct Shape : IEquatable<Shape>, IReadOnlyList<int>
{
    readonly int[]? extents;

    Shape(int[] extents) => this.extents = extents;

    /// <summary>A shape of the given extents.</summary>
    /// <exception cref="ShapeException">An extent is negative or the element count overflows.</exception>
    public static Shape Create(ReadOnlySpan<int> extents)
    {
        long count = 1;
        foreach (int extent in extents)
        {
            if (extent < 0) throw new ShapeException($"Shape: extent {extent} is negative in [{string.Join(", ", extents.ToArray())}].");
            count = checked(count * extent);
        }

        return new(extents.ToArray());
    }

    ReadOnlySpan<int> Extents => extents;

    /// <summary>The number of axes.</summary>
    public int Rank => Extents.Length;

    int IReadOnlyCollection<int>.Count => Rank;

    /// <summary>The number of elements: the product of the extents, 1 for [].</summary>
    public long ElementCount
    {
        get
        {
            long count = 1;
            foreach (int extent in Extents) count *= extent;
            return count;
        }
    }

    /// <summary>The extent of an axis, 0 outermost.</summary>
    public int this[int axis] => Extents[axis];

    /// <summary>The extent of an axis counted from the end: <c>shape[^1]</c> is the innermost.</summary>
    public int this[Index axis] => Extents[axis];

    /// <summary>Some of the axes as a shape of their own.</summary>
    public Shape this[Range axes] => new(Extents[axes].ToArray());

    /// <summary>The extents.</summary>
    public ReadOnlySpan<int> AsSpan() => Extents;

    /// <summary>An axis counted from the front, from one that may count from the end (-1 is the last).</summary>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public int Axis(int axis, string operation)
    {
        int rank = Rank;
        if (axis < -rank || axis >= Math.Max(rank, 1))
            throw new ShapeException($"{operation}: axis {axis} does not exist in shape {this}.");
        return axis < 0 ? axis + rank : axis;
    }

    /// <summary>This shape with one extent replaced.</summary>
    public Shape With(int axis, int extent)
    {
        int[] result = Extents.ToArray();
        result[axis] = extent;
        return Create(result);
    }

    /// <summary>This shape without one axis.</summary>
    public Shape Without(int axis) => [.. Extents[..axis], .. Extents[(axis + 1)..]];

    /// <summary>Strides, in elements, of a dense row-major tensor of this shape.</summary>
    public int[] DenseStrides()
    {
        int[] strides = new int[Rank];
        int stride = 1;
        for (int axis = Rank - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            stride *= Math.Max(Extents[axis], 1);
        }

        return strides;
    }

    /// <summary>The shape both broadcast to: axes align at the end, an extent of 1 stretches.</summary>
    /// <exception cref="ShapeException">The shapes do not fit each other.</exception>
    public static Shape Broadcast(Shape a, Shape b, string operation)
    {
        if (a == b) return a;
        int rank = Math.Max(a.Rank, b.Rank);
        int[] result = new int[rank];
        for (int i = 1; i <= rank; i++)
        {
            int left = i <= a.Rank ? a[^i] : 1, right = i <= b.Rank ? b[^i] : 1;
            if (left != right && left != 1 && right != 1)
                throw new ShapeException($"{operation}: shapes {a} and {b} do not broadcast: {left} against {right} on axis {-i}.");
            result[rank - i] = left == 1 ? right : left;
        }

        return new(result);
    }

    /// <inheritdoc/>
    public bool Equals(Shape other) => Extents.SequenceEqual(other.Extents);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (int extent in Extents) hash.Add(extent);
        return hash.ToHashCode();
    }

    /// <summary>Equal extents.</summary>
    public static bool operator ==(Shape a, Shape b) => a.Equals(b);

    /// <summary>Different extents.</summary>
    public static bool operator !=(Shape a, Shape b) => !a.Equals(b);

    /// <summary>[2, 3, 4]</summary>
    public override string ToString() => $"[{string.Join(", ", Extents.ToArray())}]";

    /// <inheritdoc/>
    public IEnumerator<int> GetEnumerator() => ((IEnumerable<int>)(extents ?? [])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
