using Engine.Autograd;

namespace Engine.Models;

/// <summary>A model that shows an image at several scales: what a segmentation head builds on.</summary>
public interface IFeatureBackbone
{
    /// <summary>Channels C_i of each map, the finest first.</summary>
    IReadOnlyList<int> Channels { get; }

    /// <summary>The maps of images of any size.</summary>
    /// <param name="pixels">[B, C, H, W], normalised as in training</param>
    /// <returns>[B, C_i, H_i, W_i], the finest first, each half as high and wide as the one before</returns>
    IReadOnlyList<Variable> FeatureMaps(Variable pixels);
}
