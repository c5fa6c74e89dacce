namespace Engine.Tensors;

/// <summary>Softmax along an axis, layer norm and RMS norm over the last axis, and their gradients.</summary>
/// <remarks>Rows of 16 bits are computed in float32; their statistics, and the gradients of gamma and beta, are float32 tensors.</remarks>
public static class Normalization
{
    /// <summary>e^x along an axis, divided by its sum.</summary>
    /// <exception cref="ShapeException">There is no such axis, or x holds no floats.</exception>
    public static Tensor Softmax(Tensor x, int axis = -1) => Softmax("Softmax", x, axis, false);

    /// <summary>The logarithm of <see cref="Softmax(Tensor, int)"/>, computed without overflow.</summary>
    /// <exception cref="ShapeException">There is no such axis, or x holds no floats.</exception>
    public static Tensor LogSoftmax(Tensor x, int axis = -1) => Softmax("LogSoftmax", x, axis, true);

    /// <summary>The gradient of <see cref="Softmax(Tensor, int)"/>.</summary>
    /// <param name="y">What Softmax returned.</param>
    /// <param name="dy">y's shape.</param>
    /// <param name="axis">The same axis.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public static Tensor SoftmaxGradient(Tensor y, Tensor dy, int axis = -1) => SoftmaxGradient("SoftmaxGradient", y, dy, axis, false);

    /// <summary>The gradient of <see cref="LogSoftmax"/>.</summary>
    /// <param name="y">What LogSoftmax returned.</param>
    /// <param name="dy">y's shape.</param>
    /// <param name="axis">The same axis.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public static Tensor LogSoftmaxGradient(Tensor y, Tensor dy, int axis = -1) => SoftmaxGradient("LogSoftmaxGradient", y, dy, axis, true);

    /// <summary>Layer normalization over the last axis (Ba et al. 2016): y = (x - mean) rstd gamma + beta.</summary>
    /// <param name="x">[..., D]</param>
    /// <param name="gamma">[D], or null for ones.</param>
    /// <param name="beta">[D], or null for zeros.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <returns>y [..., D]; mean and rstd = 1 / sqrt(variance + epsilon), [...], for the gradient.</returns>
    /// <exception cref="ShapeException">gamma or beta is not [D], or the element types differ.</exception>
    public static (Tensor Y, Tensor Mean, Tensor Rstd) LayerNorm(Tensor x, Tensor? gamma, Tensor? beta, float epsilon = 1e-5f)
    {
        CheckRows("LayerNorm", x, gamma, beta);
        Tensor y = x.EmptyLike(), mean = x.EmptyLike(x.Shape[..^1], x.DType.Accumulated()), rstd = mean.EmptyLike();
        if (y.ElementCount > 0) x.Backend.LayerNorm(Flat(x), gamma, beta, epsilon, Flat(y), Vector(mean), Vector(rstd));
        return (y, mean, rstd);
    }

    /// <summary>The gradients of <see cref="LayerNorm"/>.</summary>
    /// <param name="dy">[..., D]</param>
    /// <param name="x">[..., D]</param>
    /// <param name="gamma">[D] or null, as given to LayerNorm.</param>
    /// <param name="mean">As LayerNorm returned it.</param>
    /// <param name="rstd">As LayerNorm returned it.</param>
    /// <param name="wantsGamma">Whether dgamma is computed.</param>
    /// <param name="wantsBeta">Whether dbeta is computed.</param>
    /// <returns>dx [..., D]; dgamma and dbeta, [D] or null. Zeros where there are no rows.</returns>
    /// <exception cref="ShapeException">The shapes or element types do not fit.</exception>
    public static (Tensor DX, Tensor? DGamma, Tensor? DBeta) LayerNormGradient(
        Tensor dy, Tensor x, Tensor? gamma, Tensor mean, Tensor rstd, bool wantsGamma = true, bool wantsBeta = true)
    {
        CheckGradient("LayerNormGradient", dy, x, gamma, mean, rstd);
        Tensor dx = x.EmptyLike();
        Tensor? dgamma = wantsGamma ? mean.EmptyLike([x.Shape[^1]]) : null, dbeta = wantsBeta ? mean.EmptyLike([x.Shape[^1]]) : null;
        if (dx.ElementCount > 0)
        {
            x.Backend.LayerNormGradient(Flat(dy), Flat(x), gamma, Vector(mean), Vector(rstd), Flat(dx), dgamma, dbeta);
        }
        else
        {
            Clear(dgamma);
            Clear(dbeta);
        }

        return (dx, dgamma, dbeta);
    }

    /// <summary>
    /// Batch normalization as trained (Ioffe and Szegedy 2015, algorithm 1): each channel with the statistics of the batch,
    /// y = (x - mean) rstd gamma + beta.
    /// </summary>
    /// <param name="x">[B, C, ...]</param>
    /// <param name="gamma">[C]</param>
    /// <param name="beta">[C]</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <returns>y of x's shape; mean and variance (divided by the count) of each channel, and rstd = 1 / sqrt(variance + epsilon), [C].</returns>
    /// <exception cref="ShapeException">The shapes or element types do not fit, or a channel has no elements.</exception>
    public static (Tensor Y, Tensor Mean, Tensor Variance, Tensor Rstd) BatchNorm(Tensor x, Tensor gamma, Tensor beta, float epsilon = 1e-5f)
    {
        CheckChannels("BatchNorm", x, gamma, beta);
        int[] axes = AllButChannels(x);
        Shape stretched = Stretched(x);
        Tensor mean = Reduction.Mean(x, axes), variance = Reduction.Variance(x, axes, correction: 0);
        using StepScope temporaries = StepScope.Begin();
        Tensor rstd = Elementwise.Map(new ReciprocalSquareRoot(), variance + epsilon), scale = gamma * rstd, shift = beta - mean * scale;
        Tensor y = Elementwise.Map(default(MultiplyAdd), x, scale.Reshape(stretched), shift.Reshape(stretched));
        return (temporaries.Keep(y), mean, variance, temporaries.Keep(rstd));
    }

    /// <summary>The gradients of <see cref="BatchNorm"/>, through the statistics too.</summary>
    /// <param name="dy">x's shape.</param>
    /// <param name="x">As given to BatchNorm.</param>
    /// <param name="gamma">As given to BatchNorm.</param>
    /// <param name="mean">As BatchNorm returned it.</param>
    /// <param name="rstd">As BatchNorm returned it.</param>
    /// <returns>dx of x's shape, dgamma and dbeta [C]</returns>
    /// <exception cref="ShapeException">The shapes or element types do not fit.</exception>
    public static (Tensor DX, Tensor DGamma, Tensor DBeta) BatchNormGradient(Tensor dy, Tensor x, Tensor gamma, Tensor mean, Tensor rstd)
    {
        CheckChannels("BatchNormGradient", x, gamma, gamma);
        Require.Alike("BatchNormGradient", x, dy);
        Require.Shape("BatchNormGradient", "dy", dy, x.Shape);
        int[] axes = AllButChannels(x);
        Shape stretched = Stretched(x);
        float share = (float)x.Shape[1] / x.ElementCount;
        using StepScope temporaries = StepScope.Begin();

        // With n = (x - mean) rstd: dgamma = sum(dy n), dbeta = sum(dy), dx = gamma rstd (dy - mean(dy) - n mean(dy n)).
        Tensor centred = x - mean.Reshape(stretched);
        Tensor dgamma = Reduction.Sum(dy * centred, axes) * rstd, dbeta = Reduction.Sum(dy, axes);
        Tensor scale = gamma * rstd, slope = (-share) * (scale * rstd * dgamma), offset = (-share) * (scale * dbeta);
        Elementwise.MapInto(default(MultiplyAdd), centred, slope.Reshape(stretched), offset.Reshape(stretched), centred);
        Tensor dx = Elementwise.Map(default(MultiplyAdd), dy, scale.Reshape(stretched), centred);
        return (temporaries.Keep(dx), temporaries.Keep(dgamma), temporaries.Keep(dbeta));
    }

    static void CheckChannels(string operation, Tensor x, Tensor gamma, Tensor beta)
    {
        Require.Arithmetic(operation, x);
        Require.Alike(operation, x, gamma);
        Require.Alike(operation, x, beta);
        if (x.Rank < 2) throw new ShapeException($"{operation}: x is {x.Shape}, not [B, C, ...].");
        Require.Shape(operation, "gamma", gamma, [x.Shape[1]]);
        Require.Shape(operation, "beta", beta, [x.Shape[1]]);
        if (x.ElementCount == 0) throw new ShapeException($"{operation}: x is {x.Shape}; a channel without elements has no statistics.");
    }

    static int[] AllButChannels(Tensor x) => [0, .. Enumerable.Range(2, x.Rank - 2)];

    // [C, 1, 1] for [B, C, H, W]
    static Shape Stretched(Tensor x) => Shape.Create([x.Shape[1], .. Enumerable.Repeat(1, x.Rank - 2)]);

    /// <summary>Each row divided by its root mean square (Zhang and Sennrich 2019): y = x rstd gamma.</summary>
    /// <param name="x">[..., D]</param>
    /// <param name="gamma">[D], or null for ones.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <returns>y [..., D]; rstd = 1 / sqrt(mean square + epsilon), [...], for the gradient.</returns>
    /// <exception cref="ShapeException">gamma is not [D], or the element types differ.</exception>
    public static (Tensor Y, Tensor Rstd) RmsNorm(Tensor x, Tensor? gamma, float epsilon = 1e-6f)
    {
        CheckRows("RmsNorm", x, gamma, null);
        Tensor y = x.EmptyLike(), rstd = x.EmptyLike(x.Shape[..^1], x.DType.Accumulated());
        if (y.ElementCount > 0) x.Backend.RmsNorm(Flat(x), gamma, epsilon, Flat(y), Vector(rstd));
        return (y, rstd);
    }

    /// <summary>The gradients of <see cref="RmsNorm"/>.</summary>
    /// <param name="dy">[..., D]</param>
    /// <param name="x">[..., D]</param>
    /// <param name="gamma">[D] or null, as given to RmsNorm.</param>
    /// <param name="rstd">As RmsNorm returned it.</param>
    /// <param name="wantsGamma">Whether dgamma is computed.</param>
    /// <returns>dx [..., D]; dgamma, [D] or null. Zeros where there are no rows.</returns>
    /// <exception cref="ShapeException">The shapes or element types do not fit.</exception>
    public static (Tensor DX, Tensor? DGamma) RmsNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor rstd, bool wantsGamma = true)
    {
        CheckGradient("RmsNormGradient", dy, x, gamma, rstd, rstd);
        Tensor dx = x.EmptyLike();
        Tensor? dgamma = wantsGamma ? rstd.EmptyLike([x.Shape[^1]]) : null;
        if (dx.ElementCount > 0) x.Backend.RmsNormGradient(Flat(dy), Flat(x), gamma, Vector(rstd), Flat(dx), dgamma);
        else Clear(dgamma);
        return (dx, dgamma);
    }

    static Tensor Softmax(string operation, Tensor x, int axis, bool logarithm)
    {
        Require.Floating(operation, x);
        axis = x.Shape.Axis(axis, operation);
        if (x.ElementCount == 0) return x.EmptyLike();
        Tensor along = Along(x, axis), y = along.EmptyLike();
        x.Backend.Softmax(logarithm, Flat(along), Flat(y));
        return Back(y, axis, x.Rank);
    }

    static Tensor SoftmaxGradient(string operation, Tensor y, Tensor dy, int axis, bool logarithm)
    {
        Require.Alike(operation, y, dy);
        Require.Floating(operation, y);
        Require.Shape(operation, "dy", dy, y.Shape);
        axis = y.Shape.Axis(axis, operation);
        if (y.ElementCount == 0) return y.EmptyLike();
        Tensor along = Along(y, axis), dx = along.EmptyLike();
        y.Backend.SoftmaxGradient(logarithm, Flat(along), Flat(Along(dy, axis)), Flat(dx));
        return Back(dx, axis, y.Rank);
    }

    static void CheckRows(string operation, Tensor x, Tensor? gamma, Tensor? beta)
    {
        Require.Floating(operation, x);
        if (x.Rank == 0) throw new ShapeException($"{operation}: x is {x.Shape}, expected [..., D].");
        foreach ((string name, Tensor? vector) in (ReadOnlySpan<(string, Tensor?)>)[("gamma", gamma), ("beta", beta)])
        {
            if (vector is null) continue;
            Require.Alike(operation, x, vector);
            Require.Shape(operation, name, vector, [x.Shape[^1]]);
        }
    }

    static void CheckGradient(string operation, Tensor dy, Tensor x, Tensor? gamma, Tensor mean, Tensor rstd)
    {
        CheckRows(operation, x, gamma, null);
        Require.Alike(operation, x, dy);
        Require.Shape(operation, "dy", dy, x.Shape);
        RequireStatistics(operation, x, mean);
        RequireStatistics(operation, x, rstd);
        Require.Shape(operation, "mean", mean, x.Shape[..^1]);
        Require.Shape(operation, "rstd", rstd, x.Shape[..^1]);
    }

    static void RequireStatistics(string operation, Tensor x, Tensor statistics)
    {
        Require.SameDevice(operation, x, statistics);
        if (statistics.DType != x.DType.Accumulated())
            throw new ShapeException($"{operation}: the statistics of {x.DType} rows hold {statistics.DType}, expected {x.DType.Accumulated()}.");
    }

    static void Clear(Tensor? vector)
    {
        if (vector is { ElementCount: > 0 }) vector.Backend.Fill(0, vector);
    }

    // The axis moved to the end; a transposed view is copied when it is flattened.
    static Tensor Along(Tensor x, int axis) => axis == x.Rank - 1 || x.Rank == 0 ? x.Contiguous() : x.Transpose(axis, x.Rank - 1).Contiguous();

    static Tensor Back(Tensor y, int axis, int rank) => rank == 0 || axis == rank - 1 ? y : y.Transpose(axis, rank - 1);

    static Tensor Flat(Tensor x)
    {
        int width = x.Rank == 0 ? 1 : x.Shape[^1];
        return x.Contiguous().Reshape(checked((int)(x.ElementCount / width)), width);
    }

    static Tensor Vector(Tensor x) => x.Contiguous().Reshape(checked((int)x.ElementCount));
}
