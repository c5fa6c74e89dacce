using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>One of a stack of like blocks, sequence in, sequence out.</summary>
public abstract class Block(ModuleScope at) : Module(at)
{
    /// <summary>[B, N, D] to [B, N, D].</summary>
    public abstract Variable Forward(Variable x);

    /// <summary>All blocks in turn; see the overload below.</summary>
    /// <param name="blocks">At least one.</param>
    /// <param name="x">[B, N, D]; stays valid.</param>
    protected internal static Variable Through(ReadOnlySpan<Block> blocks, Variable x) => Through(blocks, x, (block, x) => block.Forward(x));

    /// <summary>
    /// All blocks in turn. Where nothing is recorded (in evaluation, or because all is frozen up to there), a block's
    /// temporaries and its input return to the pool at once: the memory does not grow with the depth. Where the model
    /// <see cref="Module.RecomputesBlocks"/>, backward has the blocks' inputs alone to start from.
    /// </summary>
    /// <param name="blocks">At least one.</param>
    /// <param name="x">[B, N, D]; stays valid.</param>
    /// <param name="forward">Runs a block; what it needs besides x (a mask, rotary angles) has no gradient.</param>
    protected internal static Variable Through<TBlock>(ReadOnlySpan<TBlock> blocks, Variable x, Func<TBlock, Variable, Variable> forward)
        where TBlock : Module
    {
        Variable start = x;
        foreach (TBlock block in blocks)
        {
            if (Tape.IsRecording && (x.RequiresGradient || block.IsTrainable))
            {
                x = block.RecomputesBlocks ? Tape.Recompute(x => forward(block, x), x, block.Parameters, block.Random) : forward(block, x);
                continue;
            }

            Variable input = x;
            using (StepScope temporaries = StepScope.Begin())
            {
                x = forward(block, input);
                temporaries.Keep(x.Value);
            }

            if (input != start && input.Value.Storage != x.Value.Storage && input.Value.Storage != start.Value.Storage)
                input.Value.Release();
        }

        return x;
    }
}
