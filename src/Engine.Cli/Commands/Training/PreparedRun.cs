using Engine.Training;

namespace Engine.Cli;

/// <summary>What has come of a command's options and folders, ready to train.</summary>
/// <param name="Task">The model and its data.</param>
/// <param name="Save">Writes the model to a folder in its layout, with small files beside it.</param>
/// <param name="Companions">Those files by name: class names, preprocessing, a tokenizer.</param>
/// <param name="Head">The parameters of the head, as patterns: what <c>--trainable head</c> trains. None for a model whose head is no part of its own.</param>
sealed record PreparedRun(
    TrainingTask Task,
    Action<string, IReadOnlyDictionary<string, byte[]>> Save,
    IReadOnlyDictionary<string, byte[]> Companions,
    IReadOnlyList<string> Head);
