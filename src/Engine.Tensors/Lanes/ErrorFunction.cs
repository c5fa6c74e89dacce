using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>erf(x), which neither .NET nor ILGPU has.</summary>
static class ErrorFunction
{
    /// <summary>
    /// N. Juffa's minimax approximations for single precision, right to about one ulp: x P(x^2) up to |x| = 475/512, and
    /// 1 - e^Q(|x|) beyond. Small arguments keep their relative accuracy, and nothing is divided.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Single<T>(T x) where T : struct, ILane<T>
    {
        T a = T.Abs(x), s = x * x;
        T q = T.MulAdd(T.Of(-1.72853470e-5), a, T.Of(3.83197126e-4));
        q = T.MulAdd(q, s, T.MulAdd(T.Of(-3.88396438e-3), a, T.Of(2.42546219e-2)));
        q = T.MulAdd(q, a, T.Of(-1.06777877e-1));
        q = T.MulAdd(q, a, T.Of(-6.34846687e-1));
        q = T.MulAdd(q, a, T.Of(-1.28717512e-1));
        T positive = T.Of(1.0) - T.Exp(T.MulAdd(q, a, -a));
        T far = T.IfGreater(T.Of(0.0), x, -positive, positive);

        T p = T.Of(-5.96761703e-4);
        p = T.MulAdd(p, s, T.Of(4.99119423e-3));
        p = T.MulAdd(p, s, T.Of(-2.67681349e-2));
        p = T.MulAdd(p, s, T.Of(1.12819925e-1));
        p = T.MulAdd(p, s, T.Of(-3.76125336e-1));
        p = T.MulAdd(p, s, T.Of(1.28379166e-1));
        return T.IfGreater(a, T.Of(0.927734375), far, T.MulAdd(p, x, x));
    }

    /// <summary>
    /// The Maclaurin series erf(x) = 2/sqrt(pi) e^(-x^2) sum 2^n x^(2n+1) / (2n+1)!! (Abramowitz and Stegun 7.1.6) up to
    /// |x| = 3 and the continued fraction of erfc (7.1.14) beyond. It serves gradient checks: exact to 1e-15, not fast.
    /// </summary>
    public static double Double(double x)
    {
        double a = Math.Abs(x);
        if (double.IsNaN(x)) return x;
        if (a > 6) return x < 0 ? -1 : 1;
        double scale = Math.Exp(-a * a);
        if (a < 3)
        {
            double term = a, sum = a;
            for (int n = 1; term > sum * 1e-17; n++)
            {
                term *= 2 * a * a / (2 * n + 1);
                sum += term;
            }

            return (x < 0 ? -2 : 2) / Math.Sqrt(Math.PI) * scale * sum;
        }

        double fraction = a;
        for (int n = 60; n >= 1; n--) fraction = a + n * 0.5 / fraction;
        double value = 1 - scale / (fraction * Math.Sqrt(Math.PI));
        return x < 0 ? -value : value;
    }
}
