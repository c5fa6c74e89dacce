using Engine.Autograd;

namespace Engine.Models;

/// <summary>A model that names what every pixel of an image shows: all that training, evaluation and the command need to know of it.</summary>
public abstract class Segmenter(ModuleScope at) : Module(at)
{
    /// <summary>Classes of the head; a label is below it, or the ignored one.</summary>
    public abstract int Classes { get; }

    /// <summary>Side of the square images the model was made for in pixels. It takes others: the size of training crops and sliding windows.</summary>
    public abstract int ImageSize { get; }

    /// <summary>The shape of the model in a line, its dropout among it: what a resumed run must agree on.</summary>
    public abstract string Architecture { get; }

    /// <summary>Every pixel's classes.</summary>
    /// <param name="pixels">[B, 3, H, W] of any size, normalised as in training</param>
    /// <returns>Logits [B, classes, H, W]</returns>
    public abstract Variable Forward(Variable pixels);

    /// <summary>
    /// The logits of the head and, for a model that has one, of the auxiliary head, whose loss is added with
    /// <see cref="AuxiliaryWeight"/> while training (Zhao et al. 2017, "Pyramid scene parsing network", section 3.3).
    /// </summary>
    /// <param name="pixels">[B, 3, H, W]</param>
    /// <returns>Both [B, classes, H, W]; no auxiliary logits from a model without that head</returns>
    public virtual (Variable Logits, Variable? Auxiliary) ForwardBoth(Variable pixels) => (Forward(pixels), null);

    /// <summary>What the auxiliary head's loss counts beside the head's.</summary>
    public virtual float AuxiliaryWeight => 0.4f;
}
