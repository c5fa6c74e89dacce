using Engine.Tensors;

namespace Engine.Testing;

/// <summary>
/// A backend that forwards everything to another and counts the calls by name: what runs on a device over it has not named
/// the device underneath.
/// </summary>
public sealed class CountingBackend(Backend inner) : ProfilingBackend(inner)
{
    /// <summary>How often each method was called.</summary>
    public IReadOnlyDictionary<string, int> Calls =>
        Operations().GroupBy(operation => operation.Method).ToDictionary(group => group.Key, group => (int)group.Sum(operation => operation.Calls));
}
