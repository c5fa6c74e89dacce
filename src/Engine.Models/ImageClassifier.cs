using Engine.Autograd;

namespace Engine.Models;

/// <summary>A model that names what an image shows: all that training, evaluation and the command need to know of ViT, CLIP and Swin.</summary>
public abstract class ImageClassifier(ModuleScope at) : Module(at)
{
    /// <summary>Side S of the square images in pixels.</summary>
    public abstract int ImageSize { get; }

    /// <summary>Classes of the head; 0 for a model without one, whose result is the features.</summary>
    public abstract int Classes { get; }

    /// <summary>The shape of the model in a line, its dropout among it: what a resumed run must agree on.</summary>
    public abstract string Architecture { get; }

    /// <summary>What the head sees of each image.</summary>
    /// <param name="pixels">[B, C, S, S], normalised as in training</param>
    /// <returns>[B, D]</returns>
    /// <exception cref="Engine.Tensors.ShapeException">The images are not of the model's size.</exception>
    public abstract Variable Features(Variable pixels);

    /// <summary>Features to classes: the head alone.</summary>
    /// <param name="features">[B, D]</param>
    /// <returns>Logits [B, classes]; the features of a model without a head.</returns>
    public abstract Variable Classify(Variable features);

    /// <summary>Images to classes.</summary>
    /// <param name="pixels">[B, C, S, S], normalised as in training</param>
    /// <returns>Logits [B, classes]; the features [B, D] of a model without a head.</returns>
    /// <exception cref="Engine.Tensors.ShapeException">The images are not of the model's size.</exception>
    public Variable Forward(Variable pixels) => Classify(Features(pixels));
}
