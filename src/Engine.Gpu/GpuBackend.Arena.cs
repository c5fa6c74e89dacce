using Engine.Tensors;

namespace Engine.Gpu;

sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void ArenaUpdate<TRule>(TRule rule, ArenaStep step) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void ArenaFold(ArenaStep step) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void ArenaProject(ArenaStep step) => throw new NotImplementedException();
}
