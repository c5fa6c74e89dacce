using Engine.Tensors;
using Engine.Testing;

namespace Engine.Autograd.Tests;

public sealed class BackendSeamTests
{
    // Optimizer steps have tests of their own, random numbers are drawn by no fixture, and nothing here waits for the device.
    static readonly string[] Elsewhere =
        ["ArenaUpdate", "ArenaFold", "ArenaProject", "ArenaMeasure", "ArenaDecide", "ArenaApply", "Uniform", "Normal", "Synchronize", "ResetPeakMemory"];

    [Fact]
    public void Every_operation_runs_on_a_device_that_is_not_the_cpu()
    {
        CountingBackend backend = new(new CpuBackend());
        Device device = new("counting", 0, backend);
        foreach (ManifestEntry entry in Manifest.Of("ops"))
        {
            using Fixture fixture = Fixture.Open("ops", entry.Name, device);
            using StepScope scope = StepScope.Begin();
            Variable[] results = OperationFixtures.Run(fixture);
            Assert.All(results, result => Assert.Same(device, result.Value.Device));
            fixture.Check(results);
        }

        IEnumerable<string> contract = typeof(Backend).GetMethods().Where(method => method.IsAbstract && !method.IsSpecialName).Select(method => method.Name);
        Assert.Equal(Elsewhere.Order(), contract.Distinct().Except(backend.Calls.Keys).Order());
    }
}
