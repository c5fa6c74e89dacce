namespace Engine.Tensors;

/// <summary>Softmax and the norms, with their gradients.</summary>
public static class Normalization
{
    /// <summary>exp(x) / sum exp(x) along an axis.</summary>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public static Tensor Softmax(Tensor x, int axis = -1) => Rows("Softmax", logarithm: false, x, axis);

    /// <summary>x - log sum exp(x) along an axis.</summary>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public static Tensor LogSoftmax(Tensor x, int axis = -1) => Rows("LogSoftmax", logarithm: true, x, axis);

    /// <summary>dx from y and dy of <see cref="Softmax"/>.</summary>
    public static Tensor SoftmaxGradient(Tensor y, Tensor dy, int axis = -1) => RowsGradient("SoftmaxGradient", logarithm: false, y, dy, axis);

    /// <summary>dx from y and dy of <see cref="LogSoftmax"/>.</summary>
    public static Tensor LogSoftmaxGradient(Tensor y, Tensor dy, int axis = -1) => RowsGradient("LogSoftmaxGradient", logarithm: true, y, dy, axis);

    static Tensor Rows(string operation, bool logarithm, Tensor x, int axis)
    {
        Require.Arithmetic(operation, x);
        if (x.Rank == 0) return Rows(operation, logarithm, x.Reshape(1), 0).Reshape(Shape.Create([]));
        axis = x.Shape.Axis(axis, operation);
        Tensor rows = x.Transpose(axis, -1).Contiguous(), y = rows.EmptyLike();
        if (y.ElementCount > 0) x.Backend.Softmax(logarithm, Flat(rows), Flat(y));
        return y.Transpose(axis, -1);
    }

    static Tensor RowsGradient(string operation, bool logarithm, Tensor y, Tensor dy, int axis)
    {
        Require.Alike(operation, y, dy);
        Require.Shape(operation, "dy", dy, y.Shape);
        if (y.Rank == 0) return RowsGradient(operation, logarithm, y.Reshape(1), dy.Reshape(1), 0).Reshape(Shape.Create([]));
        axis = y.Shape.Axis(axis, operation);
        Tensor rows = y.Transpose(axis, -1).Contiguous(), drows = dy.Transpose(axis, -1).Contiguous(), dx = rows.EmptyLike();
        if (dx.ElementCount > 0) y.Backend.SoftmaxGradient(logarithm, Flat(rows), Flat(drows), Flat(dx));
        return dx.Transpose(axis, -1);
    }

    /// <summary>Layer normalisation over the last axis (Ba, Kiros and Hinton 2016).</summary>
    /// <param name="x">[..., D]</param><param name="gamma">[D] or null</param><param name="beta">[D] or null</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <returns>y [..., D]; mean and 1 / standard deviation, one a row, for the gradient.</returns>
    /// <exception cref="ShapeException">gamma or beta is not [D].</exception>
    public static (Tensor Y, Tensor Mean, Tensor Rstd) LayerNorm(Tensor x, Tensor? gamma, Tensor? beta, float epsilon)
    {
        (Tensor rows, Shape perRow) = Dense("LayerNorm", x, gamma, beta);
        Tensor y = rows.EmptyLike(), mean = x.EmptyLike(perRow), rstd = x.EmptyLike(perRow);
        if (y.ElementCount > 0) x.Backend.LayerNorm(rows, gamma?.Contiguous(), beta?.Contiguous(), epsilon, y, mean, rstd);
        return (y.Reshape(x.Shape), mean, rstd);
    }

    /// <summary>Gradients of <see cref="LayerNorm"/>.</summary>
    /// <returns>dx [..., D]; dgamma and dbeta [D], null where they are not wanted.</returns>
    public static (Tensor Dx, Tensor? Dgamma, Tensor? Dbeta) LayerNormGradient(
        Tensor dy, Tensor x, Tensor? gamma, Tensor mean, Tensor rstd, bool wantsGamma, bool wantsBeta)
    {
        (Tensor rows, _) = Dense("LayerNormGradient", x, gamma, null);
        Require.Alike("LayerNormGradient", x, dy);
        Require.Shape("LayerNormGradient", "dy", dy, x.Shape);
        Tensor dx = rows.EmptyLike();
        Tensor? dgamma = wantsGamma ? Sum(x) : null, dbeta = wantsBeta ? Sum(x) : null;
        if (dx.ElementCount > 0) x.Backend.LayerNormGradient(Flat(dy.Contiguous()), rows, gamma?.Contiguous(), mean, rstd, dx, dgamma, dbeta);
        return (dx.Reshape(x.Shape), dgamma, dbeta);
    }

    /// <summary>Root-mean-square normalisation over the last axis (Zhang and Sennrich 2019).</summary>
    /// <param name="x">[..., D]</param><param name="gamma">[D] or null</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <returns>y [..., D]; 1 / root mean square, one a row, for the gradient.</returns>
    /// <exception cref="ShapeException">gamma is not [D].</exception>
    public static (Tensor Y, Tensor Rstd) RmsNorm(Tensor x, Tensor? gamma, float epsilon)
    {
        (Tensor rows, Shape perRow) = Dense("RmsNorm", x, gamma, null);
        Tensor y = rows.EmptyLike(), rstd = x.EmptyLike(perRow);
        if (y.ElementCount > 0) x.Backend.RmsNorm(rows, gamma?.Contiguous(), epsilon, y, rstd);
        return (y.Reshape(x.Shape), rstd);
    }

    /// <summary>Gradients of <see cref="RmsNorm"/>.</summary>
    /// <returns>dx [..., D]; dgamma [D], null if it is not wanted.</returns>
    public static (Tensor Dx, Tensor? Dgamma) RmsNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor rstd, bool wantsGamma)
    {
        (Tensor rows, _) = Dense("RmsNormGradient", x, gamma, null);
        Require.Alike("RmsNormGradient", x, dy);
        Require.Shape("RmsNormGradient", "dy", dy, x.Shape);
        Tensor dx = rows.EmptyLike();
        Tensor? dgamma = wantsGamma ? Sum(x) : null;
        if (dx.ElementCount > 0) x.Backend.RmsNormGradient(Flat(dy.Contiguous()), rows, gamma?.Contiguous(), rstd, dx, dgamma);
        return (dx.Reshape(x.Shape), dgamma);
    }

    // Of no rows, the sum over the rows is 0; else the backend overwrites it.
    static Tensor Sum(Tensor x) => x.ElementCount > 0 ? x.EmptyLike([x.Shape[^1]]) : Tensor.Zeros([x.Shape[^1]], x.DType, x.Device);

    static (Tensor Rows, Shape PerRow) Dense(string operation, Tensor x, Tensor? gamma, Tensor? beta)
    {
        Require.Arithmetic(operation, x);
        if (x.Rank == 0) throw new ShapeException($"{operation}: x is [], expected [..., D].");
        foreach ((string name, Tensor? vector) in (ReadOnlySpan<(string, Tensor?)>)[("gamma", gamma), ("beta", beta)])
        {
            if (vector is null) continue;
            Require.Alike(operation, x, vector);
            Require.Shape(operation, name, vector, [x.Shape[^1]]);
        }

        Tensor rows = Flat(x.Contiguous());
        return (rows, [rows.Shape[0]]);
    }

    // [..., D] -> [R, D], also where D is 0.
    static Tensor Flat(Tensor x) => x.Reshape((int)Shape.Create(x.Shape.AsSpan()[..^1]).ElementCount, x.Shape[^1]);
}
