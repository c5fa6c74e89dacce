using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Engine.Testing;

/// <summary>
/// All cases of a fixture folder, each on every device: those that ENGINE_TEST_DEVICES names (comma-separated), else all
/// that are registered. A device that is named but absent shows as skipped tests, with the reason.
/// </summary>
/// <param name="folder">The folder below the fixtures: ops, models, training.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FixtureDataAttribute(string folder) : DataAttribute
{
    public override bool SupportsDiscoveryEnumeration() => true;

    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker)
    {
        List<ITheoryDataRow> rows = [];
        foreach ((string device, string? absent) in TestDevices.All)
            foreach (ManifestEntry entry in Manifest.Of(folder))
                rows.Add(new TheoryDataRow<FixtureCase>(new(folder, entry.Name, device)) { Skip = absent });
        return ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>(rows);
    }
}
