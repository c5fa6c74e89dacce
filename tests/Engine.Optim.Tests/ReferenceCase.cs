using System.Globalization;
using System.Text.Json;
using Engine.Tensors;

namespace Engine.Optim.Tests;

/// <summary>A case of the optimizer manifest: tensors computed in float64 by code that is not ours, and how it was configured.</summary>
sealed class ReferenceCase
{
    readonly IReadOnlyDictionary<string, Tensor> tensors;
    readonly double relative, absolute;

    ReferenceCase(JsonElement entry)
    {
        (relative, absolute) = (entry.GetProperty("rtol").GetDouble(), entry.GetProperty("atol").GetDouble());
        Config = entry.GetProperty("config").Clone();
        tensors = StandInReader.Read(Path.Combine(StandInReader.Folder, entry.GetProperty("file").GetString()!));
    }

    public JsonElement Config { get; }

    public string[] Parameters => [.. Config.GetProperty("parameters").EnumerateArray().Select(name => name.GetString()!)];

    public static IEnumerable<string> Names => Manifest().Select(entry => entry.GetProperty("name").GetString()!);

    public static ReferenceCase Load(string name) =>
        new(Manifest().Single(entry => entry.GetProperty("name").GetString() == name));

    static IEnumerable<JsonElement> Manifest() =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(StandInReader.Folder, "manifest.json"))).RootElement.EnumerateArray();

    public bool Has(string name) => tensors.ContainsKey(name);

    public Tensor Get(string name) => tensors[name];

    public double Number(string name, double otherwise = 0) =>
        Config.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : otherwise;

    public bool Flag(string name) => Config.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.True;

    /// <summary>Compares every element; the failure names the worst.</summary>
    public void Check(string name, ReadOnlySpan<float> actual)
    {
        float[] expected = Get(name).ToArray<float>();
        Assert.Equal(expected.Length, actual.Length);
        int worst = -1;
        double excess = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            if (float.IsNaN(expected[i]) && float.IsNaN(actual[i])) continue;
            double error = Math.Abs((double)expected[i] - actual[i]) - absolute - relative * Math.Abs((double)expected[i]);
            if (!(error > excess) && !double.IsNaN(error)) continue;
            (worst, excess) = (i, error);
            if (double.IsNaN(error)) break;
        }

        if (worst >= 0)
            Assert.Fail(string.Create(CultureInfo.InvariantCulture, $"{name}[{worst}] is {actual[worst]:R}, expected {expected[worst]:R} within {relative} and {absolute}."));
    }
}
