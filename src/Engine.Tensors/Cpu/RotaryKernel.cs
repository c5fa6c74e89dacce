using System.Numerics;

namespace Engine.Tensors;

/// <summary>Rotate-half rotary embedding (Su et al. 2021): y1 = x1 cos - x2 sin, y2 = x2 cos + x1 sin; the inverse turns by the negative angle.</summary>
readonly unsafe struct RotaryKernel(bool inverse, Tensor x, Tensor cosine, Tensor sine, Tensor y) : ISimdKernel
{
    public void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int heads = x.Shape[1], positions = x.Shape[2], half = x.Shape[3] / 2;
        nint xStep = x.Strides[3], yStep = y.Strides[3];
        HeadRows<T> source = new(x), target = new(y);
        T* cos = CpuBackend.Pointer<T>(cosine), sin = CpuBackend.Pointer<T>(sine);
        T sign = inverse ? -T.One : T.One;
        Rows.ForEach((long)x.Shape[0] * heads * positions, 2 * half, index =>
        {
            (long head, long position) = Math.DivRem(index, positions);
            (int batch, int n) = ((int)(head / heads), (int)position);
            T* from = source.At(batch, (int)(head % heads), n), to = target.At(batch, (int)(head % heads), n);
            Turn<TLane, T>(from, xStep, cos + (nint)n * half, sin + (nint)n * half, sign, half, to, yStep);
        });
        GC.KeepAlive(x);
        GC.KeepAlive(cosine);
        GC.KeepAlive(sine);
        GC.KeepAlive(y);
    }

    static void Turn<TLane, T>(T* x, nint xStep, T* cos, T* sin, T sign, int half, T* y, nint yStep)
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int i = 0;
        if (xStep == 1 && yStep == 1)
        {
            TLane direction = TLane.Broadcast(sign);
            for (; i + TLane.Count <= half; i += TLane.Count)
            {
                TLane first = TLane.Load(x + i), second = TLane.Load(x + half + i), c = TLane.Load(cos + i), s = TLane.Load(sin + i) * direction;
                TLane.Store(TLane.MulAdd(first, c, -(second * s)), y + i);
                TLane.Store(TLane.MulAdd(second, c, first * s), y + half + i);
            }
        }

        for (; i < half; i++)
        {
            T first = x[i * xStep], second = x[(half + i) * xStep], c = cos[i], s = sin[i] * sign;
            y[i * yStep] = T.MultiplyAddEstimate(first, c, -(second * s));
            y[(half + i) * yStep] = T.MultiplyAddEstimate(second, c, first * s);
        }
    }
}
