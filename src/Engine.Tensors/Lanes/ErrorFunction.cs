using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>erf(x), which neither .NET nor ILGPU has.</summary>
static class ErrorFunction
{
    /// <summary>Abramowitz and Stegun 7.1.26: absolute error at most 1.5e-7, which is float's own resolution near 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Single<T>(T x) where T : struct, ILane<T>
    {
        T a = T.Abs(x);
        T t = T.Of(1.0) / T.MulAdd(T.Of(0.3275911), a, T.Of(1.0));
        T p = T.Of(1.061405429);
        p = T.MulAdd(p, t, T.Of(-1.453152027));
        p = T.MulAdd(p, t, T.Of(1.421413741));
        p = T.MulAdd(p, t, T.Of(-0.284496736));
        p = T.MulAdd(p, t, T.Of(0.254829592));
        T positive = T.Of(1.0) - p * t * T.Exp(-(a * a));
        return T.IfGreater(T.Of(0.0), x, -positive, positive);
    }

    /// <summary>
    /// The Maclaurin series erf(x) = 2/sqrt(pi) e^(-x^2) sum 2^n x^(2n+1) / (2n+1)!! (Abramowitz and Stegun 7.1.6) up to
    /// |x| = 3 and the continued fraction of erfc (7.1.14) beyond. It serves gradient checks: exact to 1e-15, not fast.
    /// </summary>
    public static double Double(double x)
    {
        double a = Math.Abs(x);
        if (double.IsNaN(x)) return x;
        if (a > 6) return Math.Sign(x);
        double scale = Math.Exp(-a * a);
        if (a < 3)
        {
            double term = a, sum = a;
            for (int n = 1; term > sum * 1e-17; n++)
            {
                term *= 2 * a * a / (2 * n + 1);
                sum += term;
            }

            return Math.CopySign(2 / Math.Sqrt(Math.PI) * scale * sum, x);
        }

        double fraction = a;
        for (int n = 60; n >= 1; n--) fraction = a + n * 0.5 / fraction;
        return Math.CopySign(1 - scale / (fraction * Math.Sqrt(Math.PI)), x);
    }
}
