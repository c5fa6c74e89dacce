namespace Engine.Models;

/// <summary>What becomes of weights that a checkpoint holds in 16 bits.</summary>
public enum WeightPrecision
{
    /// <summary>All are widened to float32: for training them, and for models that fit into memory twice.</summary>
    Float32,

    /// <summary>
    /// The matrices of linear layers and the tables of embeddings stay as they are stored, frozen, and are read straight from the
    /// mapped file; vectors are widened. A model takes no more memory than its file, and what is not read is not loaded.
    /// Adapters are trained beside it.
    /// </summary>
    Stored,
}
