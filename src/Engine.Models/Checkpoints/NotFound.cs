namespace Engine.Models;

/// <summary>What to say of a tensor that is not there: most often a prefix such as <c>model.</c> is missing or too much.</summary>
static class NotFound
{
    public static string Among(ICollection<SafeTensorItem> items, string name)
    {
        foreach (SafeTensorItem item in items)
        {
            if (item.Name.EndsWith('.' + name, StringComparison.Ordinal) || name.EndsWith('.' + item.Name, StringComparison.Ordinal))
                return $"not found among the {items.Count} tensors; did you mean \"{item.Name}\"?";
        }
        return $"not found among the {items.Count} tensors; Items lists them";
    }
}
