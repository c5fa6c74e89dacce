namespace Engine.Models;

/// <summary>A model from a folder, what came of its loading, and the form it came in.</summary>
public sealed class LoadedModel<TModel> where TModel : Module
{
    readonly StoredForm form;

    internal LoadedModel(TModel model, string layout, IReadOnlyList<string> fresh, IReadOnlyList<string> unused, int storedClasses, StoredForm form)
    {
        (Model, Layout, Fresh, Unused, StoredClasses, this.form) = (model, layout, fresh, unused, storedClasses, form);
        model.At.Tree.Layout = form.Layout;
    }

    internal StoredForm Form => form;

    /// <summary>The model, in evaluation mode.</summary>
    public TModel Model { get; }

    /// <summary>Whose names the files use: timm ViT.</summary>
    public string Layout { get; }

    /// <summary>The parameters that did not come from the folder: a new head. Empty if all did.</summary>
    public IReadOnlyList<string> Fresh { get; }

    /// <summary>The folder's tensors that the model has no use for; <see cref="Save"/> writes them as they were.</summary>
    public IReadOnlyList<string> Unused { get; }

    /// <summary>Classes of the model in the folder, whose head may have been replaced; 0 if it had none.</summary>
    public int StoredClasses { get; }

    /// <summary>
    /// Writes the model as it came: the same files, names, order, element types and metadata, so that an untrained model of
    /// float32, float16 or bfloat16 gives the same bytes. Only a new number of classes changes config.json.
    /// </summary>
    /// <param name="folder">
    /// Made if absent, and then appears whole. Of a present one the files are replaced one by one, each in one step, the
    /// weights first; other files stay.
    /// </param>
    /// <param name="companions">Further small files by name, written with the model: class names, preprocessing.</param>
    /// <exception cref="CheckpointException">The model has parameters that the layout has no place for, or the folder cannot be written.</exception>
    public void Save(string folder, IReadOnlyDictionary<string, byte[]>? companions = null) => form.Save(Model, folder, companions);
}
