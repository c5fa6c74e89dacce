using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>A table with a row for each token; tied, it also says how well a state fits each token (Press and Wolf 2017).</summary>
/// <param name="at">The place; parameter <c>weight</c> [count, width].</param>
/// <param name="count">Tokens V.</param>
/// <param name="width">Width D of the sequence.</param>
public sealed class Embedding(ModuleScope at, int count, int width) : Module(at)
{
    // Read as a head, rows of about length 1 give scores of about 1 for a normalised state, whatever the width.
    readonly Parameter weight = at.Parameter("weight", [count, width], InitialValues.Normal(1 / MathF.Sqrt(width)), keepStored: true);

    /// <summary>The rows that tokens name.</summary>
    /// <param name="tokens">int32 or int64 [...], 0 to count, exclusive.</param>
    /// <returns>[..., width]</returns>
    /// <exception cref="ShapeException">A token is not in the table.</exception>
    public Variable Forward(Tensor tokens) => Functions.Embedding(weight, tokens);

    /// <summary>The scores of all tokens.</summary>
    /// <param name="x">[..., width]</param>
    /// <returns>[..., count]</returns>
    public Variable Scores(Variable x) => Functions.Linear(x, weight);
}
