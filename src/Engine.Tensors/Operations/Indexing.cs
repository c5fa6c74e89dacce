namespace Engine.Tensors;

/// <summary>
/// Reading and adding at places that an index tensor (int32 or int64) names. An index outside its axis throws
/// <see cref="ShapeException"/>; negative ones do not count from the end.
/// </summary>
public static class Indexing
{
    /// <summary>y[.., j, ..] = x[.., index[.., j, ..], ..] along an axis; y has the index's shape.</summary>
    /// <param name="x">Any element type; along other axes at least as long as the index.</param>
    /// <param name="axis">The axis the index points along.</param>
    /// <param name="index">x's rank.</param>
    /// <exception cref="ShapeException">The ranks differ, the index is longer than x along another axis, or points outside.</exception>
    public static Tensor Gather(Tensor x, int axis, Tensor index)
    {
        ArgumentNullException.ThrowIfNull(x);
        axis = x.Shape.Axis(axis, "Gather");
        Tensor places = Require.Index("Gather", index, x);
        RequireCovers("Gather", "x", x, axis, index);
        Tensor y = x.EmptyLike(index.Shape);
        if (y.ElementCount == 0) return y;
        if (x.Rank == 0) y.CopyFrom(x);
        else x.Backend.Gather(axis, x, places, y);
        return y;
    }

    /// <summary>x with source[.., j, ..] added at [.., index[.., j, ..], ..] along an axis, in the order of j. The gradient of <see cref="Gather"/>.</summary>
    /// <param name="x">Floats; it is copied, not changed.</param>
    /// <param name="axis">The axis the index points along.</param>
    /// <param name="index">x's rank; along other axes at most as long as x.</param>
    /// <param name="source">The index's shape, x's element type.</param>
    /// <exception cref="ShapeException">The shapes do not fit so, or an index points outside.</exception>
    public static Tensor ScatterAdd(Tensor x, int axis, Tensor index, Tensor source)
    {
        Require.Floating("ScatterAdd", x);
        Require.Alike("ScatterAdd", x, source);
        axis = x.Shape.Axis(axis, "ScatterAdd");
        Tensor places = Require.Index("ScatterAdd", index, x);
        RequireCovers("ScatterAdd", "x", x, axis, index);
        Require.Shape("ScatterAdd", "source", source, index.Shape);
        if (x.Rank == 0) return source.ElementCount == 0 ? x.Clone() : x + source;
        Tensor y = x.Clone();
        if (index.ElementCount > 0) x.Backend.ScatterAdd(axis, source, places, y);
        return y;
    }

    /// <summary>The slices of x that a list of places names along an axis.</summary>
    /// <param name="x">Any element type.</param>
    /// <param name="axis">The axis the index points along; its extent becomes the index's length.</param>
    /// <param name="index">[J]</param>
    public static Tensor IndexSelect(Tensor x, int axis, Tensor index)
    {
        ArgumentNullException.ThrowIfNull(x);
        axis = x.Shape.Axis(axis, "IndexSelect");
        Require.Rank("IndexSelect", "the index", index, 1, "[J]");
        if (x.Rank == 0) throw new ShapeException("IndexSelect: x is [], it has no axis to select along.");
        Tensor places = Require.Index("IndexSelect", index, x);
        Tensor y = x.EmptyLike(x.Shape.With(axis, index.Shape[0]));
        if (y.ElementCount > 0)
            x.Backend.IndexSelect(Around(x.Contiguous(), axis), places, Around(y, axis));
        return y;
    }

    /// <summary>x with the slices of source added at the places an index names along an axis, in its order. The gradient of <see cref="IndexSelect"/>.</summary>
    /// <param name="x">Floats; it is copied, not changed.</param>
    /// <param name="axis">The axis the index points along.</param>
    /// <param name="index">[J]</param>
    /// <param name="source">x's shape with J along the axis.</param>
    public static Tensor IndexAdd(Tensor x, int axis, Tensor index, Tensor source)
    {
        Require.Floating("IndexAdd", x);
        Require.Alike("IndexAdd", x, source);
        axis = x.Shape.Axis(axis, "IndexAdd");
        Require.Rank("IndexAdd", "the index", index, 1, "[J]");
        if (x.Rank == 0) throw new ShapeException("IndexAdd: x is [], it has no axis to add along.");
        Tensor places = Require.Index("IndexAdd", index, x);
        Require.Shape("IndexAdd", "source", source, x.Shape.With(axis, index.Shape[0]));
        Tensor y = x.Clone();
        if (source.ElementCount > 0)
            x.Backend.IndexAdd(Around(source.Contiguous(), axis), places, Around(y, axis));
        return y;
    }

    /// <summary>The rows of a table that ids name.</summary>
    /// <param name="weight">[N, D]; bfloat16 or float16 gives float32 rows, and only the rows named are read.</param>
    /// <param name="ids">[...], 0 .. N - 1</param>
    /// <returns>[..., D]</returns>
    public static Tensor Embedding(Tensor weight, Tensor ids)
    {
        Require.Rank("Embedding", "weight", weight, 2, "[N, D]");
        ArgumentNullException.ThrowIfNull(ids);
        Shape flat = [checked((int)ids.ElementCount)], result = [.. ids.Shape.AsSpan(), weight.Shape[1]];
        Tensor rows = IndexSelect(weight, 0, ids.Reshape(flat));
        if (weight.DType is DType.BFloat16 or DType.Float16)
        {
            Tensor narrow = rows;
            rows = narrow.To(DType.Float32);
            narrow.Release();
        }

        return rows.Reshape(result);
    }

    /// <summary>dL/dweight [N, D] of <see cref="Embedding"/> from dy [..., D]: rows that occur twice add up, in the order of ids, in float32 for a dy of 16 bits.</summary>
    public static Tensor EmbeddingGradient(Tensor dy, Tensor ids, int rows)
    {
        Require.Floating("EmbeddingGradient", dy);
        ArgumentNullException.ThrowIfNull(ids);
        if (dy.Rank != ids.Rank + 1 || dy.Shape[..^1] != ids.Shape)
            throw new ShapeException($"EmbeddingGradient: dy is {dy.Shape}, expected the shape of ids {ids.Shape} and one axis more.");
        if (dy.DType.IsNarrow())
        {
            Tensor wide = dy.To(DType.Float32), sums = EmbeddingGradient(wide, ids, rows);
            wide.Release();
            return sums;
        }

        int width = dy.Shape[^1];
        Tensor y = Tensor.Zeros([rows, width], dy.DType, dy.Device);
        if (dy.ElementCount == 0) return y;
        Tensor places = Require.Index("EmbeddingGradient", ids, dy).Reshape(-1);
        dy.Backend.IndexAdd(dy.Contiguous().Reshape(1, -1, width), places, y.Reshape(1, rows, width));
        return y;
    }

    // A dense tensor as [O, N, I] around an axis.
    static Tensor Around(Tensor dense, int axis)
    {
        Shape shape = dense.Shape;
        return dense.Reshape(Shape.Create([checked((int)shape[..axis].ElementCount), shape[axis], checked((int)shape[(axis + 1)..].ElementCount)]));
    }

    static void RequireCovers(string operation, string name, Tensor x, int axis, Tensor index)
    {
        bool covers = x.Rank == index.Rank;
        for (int i = 0; covers && i < x.Rank; i++) covers = i == axis || index.Shape[i] <= x.Shape[i];
        if (!covers)
            throw new ShapeException($"{operation}: the index is {index.Shape}, {name} is {x.Shape}: equal ranks are expected, and an index no longer than {name} on every axis but {axis}.");
    }
}
