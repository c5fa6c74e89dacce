using System.Numerics;
using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>
/// One row of a normalization: y = (x - mean) rstd gamma + beta. Layer norm (Ba et al. 2016) centres; RMS norm (Zhang and
/// Sennrich 2019) is the same formula with a mean of 0 and no beta.
/// </summary>
static unsafe class RowNorm<TLane, T>
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>The mean of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T Mean(T* x, int length)
    {
        TLane first = TLane.Of(0.0), second = first;
        int i = 0;
        for (; i + 2 * TLane.Count <= length; i += 2 * TLane.Count)
        {
            first += TLane.Load(x + i);
            second += TLane.Load(x + i + TLane.Count);
        }

        for (; i + TLane.Count <= length; i += TLane.Count) first += TLane.Load(x + i);
        if (i < length) second += RowMath<TLane, T>.LoadPart(x + i, length - i, T.Zero);
        return TLane.Sum(first + second) / T.CreateChecked(length);
    }

    /// <summary>The mean of (x - mean)^2: a second pass, since E[x^2] - mean^2 loses all digits where the mean is large.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T MeanSquare(T* x, T mean, int length)
    {
        TLane first = TLane.Of(0.0), second = first, m = TLane.Broadcast(mean);
        int i = 0;
        for (; i + 2 * TLane.Count <= length; i += 2 * TLane.Count)
        {
            TLane a = TLane.Load(x + i) - m, b = TLane.Load(x + i + TLane.Count) - m;
            first = TLane.MulAdd(a, a, first);
            second = TLane.MulAdd(b, b, second);
        }

        for (; i + TLane.Count <= length; i += TLane.Count)
        {
            TLane a = TLane.Load(x + i) - m;
            first = TLane.MulAdd(a, a, first);
        }

        if (i < length)
        {
            TLane a = RowMath<TLane, T>.LoadPart(x + i, length - i, mean) - m;
            second = TLane.MulAdd(a, a, second);
        }

        return TLane.Sum(first + second) / T.CreateChecked(length);
    }

    /// <summary>y = (x - mean) rstd gamma + beta; gamma and beta may be null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply(T* x, T mean, T rstd, T* gamma, T* beta, T* y, int length)
    {
        TLane m = TLane.Broadcast(mean), r = TLane.Broadcast(rstd), one = TLane.Of(1.0), zero = TLane.Of(0.0);
        int i = 0;
        for (; i + TLane.Count <= length; i += TLane.Count)
        {
            TLane unit = (TLane.Load(x + i) - m) * r;
            TLane.Store(TLane.MulAdd(unit, gamma != null ? TLane.Load(gamma + i) : one, beta != null ? TLane.Load(beta + i) : zero), y + i);
        }

        for (; i < length; i++)
        {
            T unit = (x[i] - mean) * rstd;
            y[i] = T.MultiplyAddEstimate(unit, gamma != null ? gamma[i] : T.One, beta != null ? beta[i] : T.Zero);
        }
    }

    /// <summary>
    /// dx = rstd (g - mean(g) - u mean(g u)) with g = dy gamma and u = (x - mean) rstd; without centring the first mean is
    /// absent. dgamma += dy u and dbeta += dy unless they are null.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gradient(T* dy, T* x, T* gamma, T mean, T rstd, bool centred, T* dx, T* dgamma, T* dbeta, int length)
    {
        TLane m = TLane.Broadcast(mean), r = TLane.Broadcast(rstd), one = TLane.Of(1.0), sum = TLane.Of(0.0), dot = sum;
        int i = 0;
        for (; i + TLane.Count <= length; i += TLane.Count)
        {
            TLane d = TLane.Load(dy + i), unit = (TLane.Load(x + i) - m) * r;
            TLane g = gamma != null ? d * TLane.Load(gamma + i) : d;
            sum += g;
            dot = TLane.MulAdd(g, unit, dot);
            if (dgamma != null) TLane.Store(TLane.MulAdd(d, unit, TLane.Load(dgamma + i)), dgamma + i);
            if (dbeta != null) TLane.Store(TLane.Load(dbeta + i) + d, dbeta + i);
        }

        if (i < length)
        {
            int rest = length - i;
            TLane d = RowMath<TLane, T>.LoadPart(dy + i, rest, T.Zero), unit = (RowMath<TLane, T>.LoadPart(x + i, rest, mean) - m) * r;
            TLane g = gamma != null ? d * RowMath<TLane, T>.LoadPart(gamma + i, rest, T.Zero) : d;
            sum += g;
            dot = TLane.MulAdd(g, unit, dot);
            if (dgamma != null) RowMath<TLane, T>.StorePart(TLane.MulAdd(d, unit, RowMath<TLane, T>.LoadPart(dgamma + i, rest, T.Zero)), dgamma + i, rest);
            if (dbeta != null) RowMath<TLane, T>.StorePart(RowMath<TLane, T>.LoadPart(dbeta + i, rest, T.Zero) + d, dbeta + i, rest);
        }

        T count = T.CreateChecked(length);
        T meanSum = centred ? TLane.Sum(sum) / count : T.Zero, meanDot = TLane.Sum(dot) / count;
        TLane s = TLane.Broadcast(meanSum), c = TLane.Broadcast(-meanDot);
        for (i = 0; i + TLane.Count <= length; i += TLane.Count)
        {
            TLane unit = (TLane.Load(x + i) - m) * r, g = gamma != null ? TLane.Load(dy + i) * TLane.Load(gamma + i) : TLane.Load(dy + i) * one;
            TLane.Store(TLane.MulAdd(unit, c, g - s) * r, dx + i);
        }

        for (; i < length; i++)
        {
            T unit = (x[i] - mean) * rstd, g = gamma != null ? dy[i] * gamma[i] : dy[i];
            dx[i] = T.MultiplyAddEstimate(unit, -meanDot, g - meanSum) * rstd;
        }
    }
}
