using Engine.Tensors;

namespace Engine.Training;

/// <summary>The edge between batches and tensors.</summary>
public static class BatchTensors
{
    /// <summary>Copies a batch to a device.</summary>
    /// <returns>Pixels, float32 [B, 3, S, S]; labels, int32 [B].</returns>
    public static (Tensor Pixels, Tensor Labels) ToTensors(this Batch batch, Device device)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return (
            Tensor.From(batch.Pixels, [batch.Count, RgbImage.Channels, batch.Size, batch.Size], device),
            Tensor.From(batch.Labels, [batch.Count], device));
    }
}
