namespace Engine.Tensors;

/// <summary>
/// sqrt(2) erfinv(x): the standard normal value z with P(|Z| below |z|) = |x|, for x between -1 and 1. Giles 2010, "Approximating the
/// erfinv function", the single-precision polynomials: relative error at most 3e-7.
/// </summary>
public readonly struct NormalQuantile : IUnary
{
    const double Sqrt2 = 1.4142135623730951;

    /// <inheritdoc/>
    public T Apply<T>(T x) where T : struct, ILane<T>
    {
        T w = -T.Log((T.Of(1.0) - x) * (T.Of(1.0) + x));
        T near = w - T.Of(2.5);
        T p = T.Of(2.81022636e-08);
        p = T.MulAdd(p, near, T.Of(3.43273939e-07));
        p = T.MulAdd(p, near, T.Of(-3.5233877e-06));
        p = T.MulAdd(p, near, T.Of(-4.39150654e-06));
        p = T.MulAdd(p, near, T.Of(0.00021858087));
        p = T.MulAdd(p, near, T.Of(-0.00125372503));
        p = T.MulAdd(p, near, T.Of(-0.00417768164));
        p = T.MulAdd(p, near, T.Of(0.246640727));
        p = T.MulAdd(p, near, T.Of(1.50140941));

        T far = T.Sqrt(w) - T.Of(3.0);
        T q = T.Of(-0.000200214257);
        q = T.MulAdd(q, far, T.Of(0.000100950558));
        q = T.MulAdd(q, far, T.Of(0.00134934322));
        q = T.MulAdd(q, far, T.Of(-0.00367342844));
        q = T.MulAdd(q, far, T.Of(0.00573950773));
        q = T.MulAdd(q, far, T.Of(-0.0076224613));
        q = T.MulAdd(q, far, T.Of(0.00943887047));
        q = T.MulAdd(q, far, T.Of(1.00167406));
        q = T.MulAdd(q, far, T.Of(2.83297682));
        return T.Of(Sqrt2) * x * T.IfGreater(T.Of(5.0), w, p, q);
    }
}
