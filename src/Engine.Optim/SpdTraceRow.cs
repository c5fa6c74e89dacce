namespace Engine.Optim;

/// <summary>What selective projection saw and did to one layer in one step.</summary>
/// <param name="Step">The optimizer's step, 1 the first.</param>
/// <param name="Segment">The parameter's name.</param>
/// <param name="Condition">c; below 0 the layer is selected. NaN if it had no gradient.</param>
/// <param name="Ratio">r, 0 to 1, where the layer is selected, else 0.</param>
/// <param name="Deviation">|W - W0| after the step.</param>
/// <param name="Scale">lambda r if the layer was projected, else 0.</param>
/// <param name="DeviationBefore">|W - W0| before the step.</param>
/// <param name="GradientNorm">|g|; 0 if it had no gradient.</param>
public readonly record struct SpdTraceRow(
    long Step, string Segment, float Condition, float Ratio, float Deviation, float Scale, float DeviationBefore, float GradientNorm)
{
    /// <summary>
    /// The cosine of the angle between gradient and deviation, g (W - W0) / (|g| |W - W0|): above 0 where descent points back toward
    /// the anchor. NaN where one of them is 0.
    /// </summary>
    public float Cosine => GradientNorm > 0 && DeviationBefore > 0
        ? (float)Math.Clamp(-(double)Condition / ((double)GradientNorm * DeviationBefore), -1, 1)
        : float.NaN;

    /// <summary>True if the layer was pulled toward its anchor.</summary>
    public bool Projected => Scale != 0;
}
