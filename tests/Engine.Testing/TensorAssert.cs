using Engine.Tensors;

namespace Engine.Testing;

/// <summary>Comparisons of whole tensors.</summary>
public static class TensorAssert
{
    /// <summary>
    /// |ours - reference| &lt;= absolute + relative * |reference| for every element, and the same shape. Indices and masks must be
    /// equal. The message names the element that exceeds the tolerance most.
    /// </summary>
    public static void Close(Tensor ours, Tensor reference, double relative, double absolute, string what)
    {
        Assert.True(ours.Shape == reference.Shape, $"{what}: ours is {ours.Shape}, the reference {reference.Shape}.");
        if (!reference.DType.IsFloating()) (relative, absolute) = (0, 0);
        double[] mine = ours.To(DType.Float64).ToArray<double>(), right = reference.To(DType.Float64).ToArray<double>();
        int worst = -1;
        double largest = 0;
        if (WorstError.IsAsked) WorstError.Note(Share(mine, right, relative, absolute), what);
        for (int i = 0; i < mine.Length; i++)
        {
            double excess = Excess(mine[i], right[i], absolute + relative * Math.Abs(right[i]));
            if (excess > largest) (worst, largest) = (i, excess);
        }

        Assert.True(worst < 0, worst < 0 ? "" :
            $"{what}: {largest:G3} beyond the tolerance at {Place(worst, ours.Shape)}: ours {mine[worst]:R}, reference {right[worst]:R}.");
    }

    static double Share(double[] ours, double[] reference, double relative, double absolute)
    {
        double share = 0;
        for (int i = 0; i < ours.Length; i++)
        {
            double error = Excess(ours[i], reference[i], 0);
            if (error > 0) share = Math.Max(share, error / (absolute + relative * Math.Abs(reference[i])));
        }

        return share;
    }

    static double Excess(double ours, double reference, double tolerance)
    {
        if (ours.Equals(reference)) return 0;
        double excess = Math.Abs(ours - reference) - tolerance;
        return double.IsNaN(excess) || double.IsInfinity(reference) ? double.PositiveInfinity : excess;
    }

    static string Place(int index, Shape shape)
    {
        int[] place = new int[shape.Rank];
        for (int axis = shape.Rank - 1; axis >= 0; axis--) (index, place[axis]) = Math.DivRem(index, shape[axis]);
        return $"[{string.Join(", ", place)}]";
    }

    /// <summary>The same shape and the same bits.</summary>
    public static void SameBits(Tensor ours, Tensor reference, string what)
    {
        Assert.True(ours.Shape == reference.Shape && ours.DType == reference.DType, $"{what}: {ours} against {reference}.");
        byte[] mine = Bytes(ours), right = Bytes(reference);
        int different = mine.AsSpan().CommonPrefixLength(right);
        Assert.True(different == mine.Length, $"{what}: the bits differ from element {different / ours.DType.Size()} of {ours.Shape} on.");
    }

    static byte[] Bytes(Tensor tensor)
    {
        Tensor dense = tensor.Contiguous();
        byte[] bytes = new byte[dense.ElementCount * dense.DType.Size()];
        dense.Backend.Read(dense.Storage, dense.Offset * dense.DType.Size(), bytes);
        GC.KeepAlive(dense);
        return bytes;
    }
}
