namespace Engine.Models;

/// <summary>A library whose checkpoints are read and written: whose names the tensors bear, whose keys config.json has.</summary>
public enum ModelLibrary
{
    /// <summary>timm, PyTorch Image Models.</summary>
    Timm,

    /// <summary>torchvision, which has no config.json of its own.</summary>
    Torchvision,

    /// <summary>Hugging Face transformers.</summary>
    HuggingFace,
}

static class ModelLibraries
{
    /// <summary>As people write it.</summary>
    public static string Name(this ModelLibrary library) => library switch
    {
        ModelLibrary.Timm => "timm",
        ModelLibrary.Torchvision => "torchvision",
        _ => "Hugging Face",
    };
}
