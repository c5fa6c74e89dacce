using Engine.Tensors;

namespace Engine.Models;

/// <summary>Learned positions for another image size (Dosovitskiy et al. 2021, section 3.2).</summary>
static class PositionEmbedding
{
    /// <summary>The patches' positions, a picture of their grid, are resampled; the class token's stays.</summary>
    /// <param name="positions">[1, N, D] of a square grid, with or without a class token as the configuration says</param>
    /// <param name="config">What they are to fit.</param>
    /// <returns>[1, config.SequenceLength, D]</returns>
    public static Tensor Resample(Tensor positions, VitConfig config)
    {
        int prefix = config.HasClassToken ? 1 : 0, stored = positions.Shape[1], width = positions.Shape[2];
        int from = (int)Math.Sqrt(stored - prefix), to = config.ImageSize / config.PatchSize;
        Tensor grid = positions.Slice(1, prefix, stored).Reshape(1, from, from, width).Permute(0, 3, 1, 2);     // [1, D, from, from]
        Tensor resampled = Resampling.Interpolate(grid.Contiguous(), to, to, Interpolation.Bicubic, antialias: true);
        Tensor sequence = resampled.Permute(0, 2, 3, 1).Reshape(1, to * to, width);
        return prefix == 0 ? sequence : Joining.Concatenate(1, positions.Slice(1, 0, prefix), sequence);
    }
}
