using System.Text.Json.Nodes;

namespace Engine.Models;

/// <summary>What the layouts of image models have in common: classes and an image size that a caller may change.</summary>
abstract class ImageLayout : ModelLayout
{
    /// <summary>Enters another number of classes in config.json.</summary>
    public abstract void SetClasses(JsonObject config, int classes);

    /// <summary>Enters another image size in config.json.</summary>
    public abstract void SetImageSize(JsonObject config, int imageSize);

    /// <summary>The names of the classes in config.json, in the order of the labels; null where the library keeps none there.</summary>
    public virtual IReadOnlyList<string>? ClassNames(ConfigFile config) => null;

    /// <summary>Enters the names of the classes in config.json, where the library keeps them there.</summary>
    public virtual void SetClassNames(JsonObject config, IReadOnlyList<string> names)
    {
    }

    /// <summary>The plan of a classifier, which enters in config.json what the options change.</summary>
    /// <param name="stored">Classes and image size as stored.</param>
    /// <param name="asked">Classes and image size of the model to build.</param>
    /// <param name="stacks">The stacks of blocks.</param>
    /// <param name="build">Builds the model.</param>
    protected ModelPlan Plan((int Classes, int ImageSize) stored, (int Classes, int ImageSize) asked, IReadOnlyList<BlockStack> stacks, Func<ModuleScope, Module> build)
    {
        ModelPlan plan = new(stored.Classes, asked.Classes, stacks, build) { ImageSize = stored.ImageSize };
        if (asked.Classes != stored.Classes) plan.ConfigChange += json => SetClasses(json, asked.Classes);
        if (asked.ImageSize != stored.ImageSize) plan.ConfigChange += json => SetImageSize(json, asked.ImageSize);
        return plan;
    }
}
