namespace Engine.Tensors;

/// <content>Movement on the CPU.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Fill(double value, Tensor y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Copy(Tensor x, Tensor y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Uniform(Philox random, ulong offset, Tensor y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Normal(Philox random, ulong offset, Tensor y) => throw new NotSupportedException();
}
