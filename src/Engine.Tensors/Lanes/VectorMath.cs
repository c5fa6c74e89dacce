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
        // x comes second: where it is NaN, minimum and maximum hand it on.
        TLane bounded = TLane.Max(TLane.Of(-87.3365447504019), TLane.Min(TLane.Of(88.3762626647950), x));
        TLane n = TLane.Round(bounded * TLane.Of(1.44269504088896341));
        TLane r = TLane.MulAdd(n, TLane.Of(-0.693359375), bounded);
        r = TLane.MulAdd(n, TLane.Of(2.12194440e-4), r);

        // In pairs (Estrin 1960) rather than by Horner's rule: half as many products wait for one another.
        TLane square = r * r;
        TLane high = TLane.MulAdd(TLane.Of(1.9875691500e-4), r, TLane.Of(1.3981999507e-3));
        TLane middle = TLane.MulAdd(TLane.Of(8.3334519073e-3), r, TLane.Of(4.1665795894e-2));
        TLane low = TLane.MulAdd(TLane.Of(1.6666665459e-1), r, TLane.Of(5.0000001201e-1));
        TLane p = TLane.MulAdd(TLane.MulAdd(high, square, middle), square, low);
        p = TLane.Scale(TLane.MulAdd(p, square, r + TLane.Of(1.0)), n);

        // Beyond the range: 0 below, infinity above.
        p = TLane.IfGreater(TLane.Of(-87.3365447504019), x, TLane.Of(0.0), p);
        return TLane.IfGreater(x, TLane.Of(88.3762626647950), TLane.Of(float.PositiveInfinity), p);
    }
}
