using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="CrossEntropies"/>: dense logits [Rows, Classes] and a target of each row.</summary>
struct CrossEntropyArguments<TWord> where TWord : unmanaged
{
    public ArrayView<TWord> Logits;

    /// <summary>[Rows], of any stride.</summary>
    public ArrayView<int> Targets;

    public int TargetOrigin, TargetStep;

    public OptionalVector<TWord> ClassWeights;

    /// <summary>Dense [Rows]; Losses and Weights are not used by the gradient.</summary>
    public ArrayView<TWord> Losses, Weights, LogSumExp;

    /// <summary>Only for the gradient: [Rows] of any stride.</summary>
    public ArrayView<TWord> RowScale;

    public int RowScaleOrigin, RowScaleStep;

    /// <summary>Only for the gradient, and only with smoothing: the sum of the class weights, one number.</summary>
    public ArrayView<TWord> TotalClassWeight;

    /// <summary>Only for the gradient: d logits, dense.</summary>
    public ArrayView<TWord> Gradient;

    public int Rows, Classes, Ignored;
    public float Smoothing;
    public FaultRecord Faults;
}

/// <summary>
/// Cross-entropy of rows as torch defines it: with w the class weights and s the label smoothing
/// loss = (1 - s) w[t] (L - x[t]) + s / C sum_c w[c] (L - x[c]), L = log sum e^x.
/// </summary>
static class CrossEntropies
{
    /// <summary>A team of threads reads its row once, with smoothing twice.</summary>
    public static void Losses<TTeam, TElement, TWord, TLane>(CrossEntropyArguments<TWord> a)
        where TTeam : struct, IRowTeam
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<TLane> room = SharedMemory.Allocate<TLane>(RowTeams.Room);
        int row = RowTeams.Row<TTeam>(), lane = RowTeams.Lane<TTeam>(), first = (row < a.Rows ? row : a.Rows - 1) * a.Classes;
        OnlineSum<TLane> sum = OnlineSum<TLane>.OverRow<TTeam, TElement, TWord>(a.Logits, first, a.Classes, room);
        TLane one = TLane.Of(1.0), smoothing = TLane.Of(a.Smoothing), log = sum.Largest + TLane.Log(sum.Sum), distance = TLane.Of(0.0);
        if (a.Smoothing > 0)
        {
            // The distances first, since L times the classes less the sum of x would lose digits. All threads of a launch come
            // here or none.
            for (int c = lane; c < a.Classes; c += TTeam.Size)
                distance = TLane.MulAdd(log - TElement.Load(a.Logits[first + c]), OptionalVector<TWord>.At<TElement, TLane>(a.ClassWeights, c, one), distance);
            distance = RowTeams.Fold<TTeam, Sum, TLane>(default, room, distance);
        }

        if (row >= a.Rows || lane != 0) return;
        a.LogSumExp[row] = TElement.Store(log);
        TLane loss = TLane.Of(0.0), weight = loss;
        int target = a.Targets[a.TargetOrigin + row * a.TargetStep];
        if (target != a.Ignored)
        {
            target = FaultRecord.Checked(a.Faults, target, row, a.Classes);
            weight = OptionalVector<TWord>.At<TElement, TLane>(a.ClassWeights, target, one);
            loss = (one - smoothing) * weight * (log - TElement.Load(a.Logits[first + target]));
            if (a.Smoothing > 0) loss += smoothing / TLane.Of((float)a.Classes) * distance;
        }

        a.Losses[row] = TElement.Store(loss);
        a.Weights[row] = TElement.Store(weight);
    }

    /// <summary>
    /// dlogits = rowScale ((1 - s) w[t] (p - [c = t]) + s / C (W p - w[c])) with p = e^(x - L) and W the sum of the class weights. A
    /// thread computes one element.
    /// </summary>
    public static void Gradients<TElement, TWord, TLane>(CrossEntropyArguments<TWord> a)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i >= a.Rows * a.Classes) return;
        int row = i / a.Classes, c = i - row * a.Classes, target = a.Targets[a.TargetOrigin + row * a.TargetStep];
        TLane zero = TLane.Of(0.0), one = TLane.Of(1.0);
        if (target == a.Ignored)
        {
            a.Gradient[i] = TElement.Store(zero);
            return;
        }

        target = FaultRecord.Checked(a.Faults, target, row, a.Classes);
        TLane classes = TLane.Of((float)a.Classes), smoothing = TLane.Of(a.Smoothing), scale = TElement.Load(a.RowScale[a.RowScaleOrigin + row * a.RowScaleStep]);
        TLane weight = OptionalVector<TWord>.At<TElement, TLane>(a.ClassWeights, target, one) * (one - smoothing) * scale;
        TLane each = smoothing / classes * scale, p = TLane.Exp(TElement.Load(a.Logits[i]) - TElement.Load(a.LogSumExp[row])), gradient = weight * p;
        if (a.Smoothing > 0)
        {
            TLane all = a.ClassWeights.Exists != 0 ? TElement.Load(a.TotalClassWeight[0]) : classes;
            gradient += each * (all * p - OptionalVector<TWord>.At<TElement, TLane>(a.ClassWeights, c, one));
        }

        a.Gradient[i] = TElement.Store(c == target ? gradient - weight : gradient);
    }
}
