namespace Engine.Tensors;

/// <content>Arena on the CPU.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void ArenaUpdate<TRule>(TRule rule, ArenaStep step) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void ArenaFold(ArenaStep step) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void ArenaProject(ArenaStep step) => throw new NotSupportedException();
}
