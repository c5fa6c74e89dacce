using System.Globalization;
using System.Text.Json;
using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Testing;

/// <summary>
/// A reference case: <c>in.NAME</c>, <c>out.I</c>, the cotangents <c>cot.I</c>, and <c>grad.NAME</c>, the gradients of
/// sum_I &lt;out.I, cot.I&gt; by the stored inputs. The option <c>layout</c> says how the operation saw an input: its axes
/// permuted so, without a copy.
/// </summary>
public sealed class Fixture : IDisposable
{
    readonly ManifestEntry entry;
    readonly SafeTensors file;
    readonly Dictionary<string, Variable> leaves = [];

    Fixture(ManifestEntry entry, SafeTensors file, Device device) => (this.entry, this.file, Device) = (entry, file, device);

    /// <summary>Opens a case of a folder.</summary>
    public static Fixture Open(string folder, string name, Device device)
    {
        ManifestEntry entry = Manifest.Of(folder).First(entry => entry.Name == name);
        return new(entry, SafeTensors.Open(FixtureFolder.Path(folder, entry.File)), device);
    }

    /// <summary>The name in the manifest.</summary>
    public string Name => entry.Name;

    /// <summary>Where the case is computed.</summary>
    public Device Device { get; }

    /// <summary>What a result may miss, relative to the reference.</summary>
    public double RelativeTolerance => entry.RelativeTolerance;

    /// <summary>What a result may miss besides.</summary>
    public double AbsoluteTolerance => entry.AbsoluteTolerance;

    /// <summary>True if the file holds a tensor of that full name.</summary>
    public bool Has(string tensor) => file.Items.ContainsKey(tensor);

    /// <summary>The names of all inputs, in alphabetical order.</summary>
    public IEnumerable<string> InputNames => Names("in.");

    IEnumerable<string> Names(string prefix) =>
        file.Items.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Select(key => key[prefix.Length..]).Order(StringComparer.Ordinal);

    /// <summary>An input as the operation sees it; it requires a gradient where the file has one.</summary>
    public Variable In(string name)
    {
        if (!leaves.TryGetValue(name, out Variable? leaf))
            leaves[name] = leaf = new(Load($"in.{name}"), Has($"grad.{name}"));
        return entry.Config.TryGetProperty("layout", out JsonElement layouts) && layouts.TryGetProperty(name, out JsonElement layout)
            ? Functions.Permute(leaf, layout.Deserialize<int[]>()) : leaf;
    }

    /// <summary>An input, or null where the case has none of that name.</summary>
    public Variable? InOrNull(string name) => Has($"in.{name}") ? In(name) : null;

    /// <summary>A reference result.</summary>
    public Tensor Out(int index) => Load($"out.{index}");

    /// <summary>The weighting of a result.</summary>
    public Tensor Cotangent(int index) => Load($"cot.{index}");

    /// <summary>A reference gradient.</summary>
    public Tensor Gradient(string name) => Load($"grad.{name}");

    /// <summary>An option; a single number also reads as an array of one.</summary>
    public T Config<T>(string key, T fallback)
    {
        if (!entry.Config.TryGetProperty(key, out JsonElement value) || value.ValueKind == JsonValueKind.Null) return fallback;
        bool wrap = typeof(T).IsArray && value.ValueKind != JsonValueKind.Array;
        return JsonSerializer.Deserialize<T>(wrap ? $"[{value.GetRawText()}]" : value.GetRawText())!;
    }

    /// <summary>An option that has to be there.</summary>
    public T Config<T>(string key) => entry.Config.TryGetProperty(key, out _)
        ? Config<T>(key, default!) : throw new InvalidOperationException($"{Name} has no option {key}.");

    /// <summary>A tensor of the file on the case's device.</summary>
    public Tensor Load(string name)
    {
        SafeTensorItem item = file.Items[name];
        Span<int> extents = stackalloc int[item.Shape.Length];
        for (int axis = 0; axis < extents.Length; axis++) extents[axis] = checked((int)item.Shape[axis]);
        Shape shape = Shape.Create(extents);
        return item.Type switch
        {
            SafeTensorType.F32 => Tensor.From(file.Read<float>(name), shape, Device),
            SafeTensorType.F64 => Tensor.From(file.Read<double>(name), shape, Device),
            SafeTensorType.I64 => Tensor.From(file.Read<long>(name), shape, Device),
            SafeTensorType.I32 => Tensor.From(file.Read<int>(name), shape, Device),
            SafeTensorType.BOOL => Tensor.From(file.Read<bool>(name), shape, Device),
            _ => throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{Name}: {name} is {item.Type}.")),
        };
    }

    /// <summary>Compares the results with the references, then the gradients of all inputs.</summary>
    public void Check(ReadOnlySpan<Variable> results)
    {
        for (int i = 0; i < results.Length; i++)
            if (Has($"out.{i}")) TensorAssert.Close(results[i].Value, Out(i), RelativeTolerance, AbsoluteTolerance, $"{Name}: out.{i}");
        foreach ((string name, Tensor gradient) in Differentiate(results))
            TensorAssert.Close(gradient, Gradient(name), RelativeTolerance, AbsoluteTolerance, $"{Name}: grad.{name}");
    }

    /// <summary>Runs backward from the results with the cotangents; all inputs' gradients by name, zeros where none came.</summary>
    public IReadOnlyList<(string Name, Tensor Gradient)> Differentiate(ReadOnlySpan<Variable> results)
    {
        List<int> weighted = [];
        for (int i = 0; i < results.Length; i++)
            if (Has($"cot.{i}")) weighted.Add(i);
        foreach (int i in weighted) results[i].Backward(Cotangent(i), retain: i != weighted[^1]);
        List<(string, Tensor)> gradients = [];
        foreach (string name in Names("grad."))
        {
            if (!leaves.TryGetValue(name, out Variable? leaf)) throw new InvalidOperationException($"{Name}: the input {name} was not used.");
            gradients.Add((name, leaf.Gradient ?? Tensor.Zeros(leaf.Shape, leaf.Value.DType, Device)));
        }

        return gradients;
    }

    public void Dispose() => file.Dispose();
}
