namespace Engine.Models;

/// <summary>What a model does; how it is trained and measured follows from it.</summary>
public enum ModelKind
{
    /// <summary>Names an image: <see cref="Models.ImageClassifier"/>.</summary>
    ImageClassifier,

    /// <summary>Names every pixel of an image: <see cref="Models.Segmenter"/>.</summary>
    Segmenter,

    /// <summary>Continues a text.</summary>
    LanguageModel,
}
