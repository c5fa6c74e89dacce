using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>Elementary functions of vectors of floats, written once for all widths.</summary>
static class VectorMath
{
    /// <summary>
    /// e^x = 2^n e^r with n = round(x / ln 2) and |r| at most ln(2) / 2: a minimax polynomial of degree 6 for e^r
    /// (coefficients of the Cephes library's expf), and ln 2 split in two parts so that r is exact to the last bit.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane ExpSingle<TLane, T>(TLane x)
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged
    {
        TLane bounded = TLane.Max(TLane.Min(x, TLane.Of(88.3762626647950)), TLane.Of(-87.3365447504019));
        TLane n = TLane.Round(bounded * TLane.Of(1.44269504088896341));
        TLane r = TLane.MulAdd(n, TLane.Of(-0.693359375), bounded);
        r = TLane.MulAdd(n, TLane.Of(2.12194440e-4), r);
        TLane p = TLane.Of(1.9875691500e-4);
        p = TLane.MulAdd(p, r, TLane.Of(1.3981999507e-3));
        p = TLane.MulAdd(p, r, TLane.Of(8.3334519073e-3));
        p = TLane.MulAdd(p, r, TLane.Of(4.1665795894e-2));
        p = TLane.MulAdd(p, r, TLane.Of(1.6666665459e-1));
        p = TLane.MulAdd(p, r, TLane.Of(5.0000001201e-1));
        p = TLane.MulAdd(p, r * r, r + TLane.Of(1.0));
        p = TLane.Scale(p, n);

        // Beyond the range: 0 below, infinity above, and NaN stays NaN (x - x is 0 for every finite x).
        p = TLane.IfGreater(TLane.Of(-87.3365447504019), x, TLane.Of(0.0), p);
        p = TLane.IfGreater(x, TLane.Of(88.3762626647950), TLane.Of(float.PositiveInfinity), p);
        return TLane.IfGreater(x, TLane.Of(float.NegativeInfinity), p, TLane.IfGreater(TLane.Of(0.0), x, p, x));
    }
}
