using System.Numerics;
using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>
/// Cross-entropy of the rows of dense logits [R, C] as torch defines it: with w the class weights and s the label smoothing
/// loss = (1 - s) w[t] (L - x[t]) + s / C sum_c w[c] (L - x[c]), L = log sum e^x. A row counts w[t].
/// </summary>
readonly unsafe struct CrossEntropyKernel(Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor losses, Tensor weights, Tensor logSumExp)
    : ISimdKernel
{
    // Elements of a row that are looked at twice, for the maximum and for the sum, while they are in L1.
    const int Piece = 2048;

    public void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int rows = logits.Shape[0], classes = logits.Shape[1];
        CrossEntropyTargets label = new(targets, options.IgnoreIndex);
        label.Check(rows, classes);
        T* px = CpuBackend.Pointer<T>(logits), pl = CpuBackend.Pointer<T>(losses), pn = CpuBackend.Pointer<T>(weights), pe = CpuBackend.Pointer<T>(logSumExp);
        using DenseVector<T> classWeight = new(classWeights);
        T* pw = classWeight.Pointer;
        T smoothing = T.CreateChecked(options.LabelSmoothing), share = smoothing / T.CreateChecked(classes);
        Rows.ForEach(rows, classes, row =>
        {
            T* x = px + row * classes;
            T log = pe[row] = LogSumExp<TLane, T>(x, classes);
            int target = label[row];
            if (target == label.Ignored)
            {
                (pl[row], pn[row]) = (T.Zero, T.Zero);
                return;
            }

            T weight = pw != null ? pw[target] : T.One, loss = (T.One - smoothing) * weight * (log - x[target]);
            if (smoothing > T.Zero) loss += share * Distance<TLane, T>(x, log, pw, classes);
            (pl[row], pn[row]) = (loss, weight);
        });
        GC.KeepAlive(logits);
        GC.KeepAlive(targets);
        GC.KeepAlive(classWeights);
        GC.KeepAlive(losses);
        GC.KeepAlive(weights);
        GC.KeepAlive(logSumExp);
    }

    // One pass over memory however long the row is: the sum follows the largest element seen so far.
    static T LogSumExp<TLane, T>(T* x, int classes)
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T largest = T.NegativeInfinity, sum = T.Zero;
        for (int first = 0; first < classes; first += Piece)
        {
            int count = Math.Min(Piece, classes - first);
            T before = largest, piece = RowMath<TLane, T>.Largest(x + first, count);
            if (piece > largest) largest = piece;
            T shift = T.IsNegativeInfinity(largest) ? T.Zero : largest;
            sum = sum * T.Exp(before - shift) + RowMath<TLane, T>.SumExp(x + first, count, shift, null);
        }

        return largest + T.Log(sum);
    }

    // sum_c w[c] (L - x[c]): the distances first, since L times the classes minus the sum of x would lose digits.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static T Distance<TLane, T>(T* x, T log, T* weights, int classes)
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TLane l = TLane.Broadcast(log), one = TLane.Of(1.0), sum = TLane.Of(0.0);
        int i = 0;
        for (; i + TLane.Count <= classes; i += TLane.Count)
            sum = TLane.MulAdd(l - TLane.Load(x + i), weights != null ? TLane.Load(weights + i) : one, sum);
        if (i < classes)
        {
            int rest = classes - i;
            TLane distance = l - RowMath<TLane, T>.LoadPart(x + i, rest, log);
            sum = TLane.MulAdd(distance, weights != null ? RowMath<TLane, T>.LoadPart(weights + i, rest, T.Zero) : one, sum);
        }

        return TLane.Sum(sum);
    }
}

/// <summary>dlogits = rowScale ((1 - s) w[t] (p - [c = t]) + s / C (W p - w[c])) with p = e^(x - L) and W the sum of the class weights.</summary>
readonly unsafe struct CrossEntropyGradientKernel(Tensor rowScale, Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor logSumExp, Tensor dlogits)
    : ISimdKernel
{
    public void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int rows = logits.Shape[0], classes = logits.Shape[1];
        CrossEntropyTargets label = new(targets, options.IgnoreIndex);
        label.Check(rows, classes);
        T* px = CpuBackend.Pointer<T>(logits), pe = CpuBackend.Pointer<T>(logSumExp), ps = CpuBackend.Pointer<T>(rowScale), pd = CpuBackend.Pointer<T>(dlogits);
        nint scaleStride = rowScale.Strides[0];
        using DenseVector<T> classWeight = new(classWeights);
        T* pw = classWeight.Pointer;
        T smoothing = T.CreateChecked(options.LabelSmoothing), share = smoothing / T.CreateChecked(classes), all = T.CreateChecked(classes);
        if (pw != null)
        {
            all = T.Zero;
            for (int c = 0; c < classes; c++) all += pw[c];
        }

        Rows.ForEach(rows, classes, row =>
        {
            T* x = px + row * classes, dx = pd + row * classes;
            int target = label[row];
            if (target == label.Ignored)
            {
                new Span<T>(dx, classes).Clear();
                return;
            }

            T scale = ps[(nint)row * scaleStride], weight = (pw != null ? pw[target] : T.One) * (T.One - smoothing) * scale;
            T each = share * scale;
            Spread<TLane, T>(x, pe[row], weight + each * all, smoothing > T.Zero ? -each : T.Zero, pw, dx, classes);
            dx[target] -= weight;
        });
        GC.KeepAlive(rowScale);
        GC.KeepAlive(logits);
        GC.KeepAlive(targets);
        GC.KeepAlive(classWeights);
        GC.KeepAlive(logSumExp);
        GC.KeepAlive(dlogits);
    }

    // dx = factor e^(x - log) + offset w.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Spread<TLane, T>(T* x, T log, T factor, T offset, T* weights, T* dx, int classes)
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TLane l = TLane.Broadcast(log), f = TLane.Broadcast(factor), o = TLane.Broadcast(offset);
        int i = 0;
        for (; i + TLane.Count <= classes; i += TLane.Count)
        {
            TLane add = weights != null ? o * TLane.Load(weights + i) : o;
            TLane.Store(TLane.MulAdd(RowMath<TLane, T>.ExpNonPositive(TLane.Load(x + i) - l), f, add), dx + i);
        }

        if (i < classes)
        {
            int rest = classes - i;
            TLane add = weights != null ? o * RowMath<TLane, T>.LoadPart(weights + i, rest, T.Zero) : o;
            RowMath<TLane, T>.StorePart(TLane.MulAdd(RowMath<TLane, T>.ExpNonPositive(RowMath<TLane, T>.LoadPart(x + i, rest, log) - l), f, add), dx + i, rest);
        }
    }
}

/// <summary>The targets of a cross-entropy, int32 [R] of any stride.</summary>
readonly unsafe struct CrossEntropyTargets(Tensor targets, int ignored)
{
    readonly int* first = CpuBackend.Pointer<int>(targets);
    readonly nint stride = targets.Strides[0];

    /// <summary>The target that counts nothing.</summary>
    public int Ignored => ignored;

    public int this[long row] => first[(nint)row * stride];

    /// <summary>Throws at the first target that is neither a class nor ignored.</summary>
    public void Check(int rows, int classes)
    {
        for (int row = 0; row < rows; row++)
        {
            int target = this[row];
            if ((uint)target >= (uint)classes && target != ignored)
                throw new ShapeException($"CrossEntropy: target {target} of row {row} is no class of 0..{classes - 1} and not the ignored {ignored}.");
        }
    }
}
