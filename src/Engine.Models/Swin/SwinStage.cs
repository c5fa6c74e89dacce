using Engine.Autograd;

namespace Engine.Models;

/// <summary>Blocks at one scale, behind a merging of patches in all stages but the first.</summary>
/// <param name="at">The place; parts <c>merge</c> and <c>blocks</c>.</param>
/// <param name="config">The model's shape.</param>
/// <param name="stage">Which one.</param>
sealed class SwinStage(ModuleScope at, SwinConfig config, int stage) : Module(at)
{
    readonly PatchMerging? merge = stage > 0 ? new(at / "merge", config.WidthOf(stage - 1), config.Epsilon) : null;
    readonly SwinBlock[] blocks = Stack(at / "blocks", config, stage);

    /// <summary>[B, H, W, C] to [B, H / 2, W / 2, 2C], in the first stage to the same shape.</summary>
    public Variable Forward(Variable x) => Block.Through(blocks, merge?.Forward(x) ?? x);

    static SwinBlock[] Stack(ModuleScope at, SwinConfig config, int stage)
    {
        int side = config.WindowOf(stage), before = config.Depths.Take(stage).Sum(), all = config.Depths.Sum();
        Windows straight = new(side, 0, config.WindowRule), shifted = new(side, config.WindowSize / 2, config.WindowRule);
        SwinBlock[] blocks = new SwinBlock[config.Depths[stage]];
        for (int i = 0; i < blocks.Length; i++)
            blocks[i] = new(at / i, config, stage, i % 2 == 0 ? straight : shifted, DropPath.AtDepth(config.DropPath, before + i, all));
        return blocks;
    }
}
