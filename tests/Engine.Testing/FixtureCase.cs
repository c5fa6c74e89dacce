using Engine.Gpu;
using Xunit.Sdk;

namespace Engine.Testing;

/// <summary>One case of a fixture folder on one device, as a theory sees it.</summary>
public sealed class FixtureCase : IXunitSerializable
{
    /// <summary>For the deserializer.</summary>
    public FixtureCase()
    {
    }

    public FixtureCase(string folder, string name, string device) => (Folder, Name, DeviceName) = (folder, name, device);

    /// <summary>The folder below the fixtures: ops, models, training.</summary>
    public string Folder { get; private set; } = "";

    /// <summary>The name in the folder's manifest.</summary>
    public string Name { get; private set; } = "";

    /// <summary>Where to compute.</summary>
    public string DeviceName { get; private set; } = "";

    /// <summary>Opens the case on its device.</summary>
    public Fixture Open() => Fixture.Open(Folder, Name, GpuDevices.Select(DeviceName));

    public void Deserialize(IXunitSerializationInfo info) =>
        (Folder, Name, DeviceName) = (info.GetValue<string>("folder")!, info.GetValue<string>("name")!, info.GetValue<string>("device")!);

    public void Serialize(IXunitSerializationInfo info)
    {
        info.AddValue("folder", Folder);
        info.AddValue("name", Name);
        info.AddValue("device", DeviceName);
    }

    public override string ToString() => $"{Folder}/{Name} on {DeviceName}";
}
