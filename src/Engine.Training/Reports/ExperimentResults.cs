using System.Text.Json;
using System.Text.Json.Serialization;

namespace Engine.Training;

/// <summary>What several methods made of the same weights: the file <c>results.json</c> of an experiment's folder.</summary>
public sealed record ExperimentResults
{
    /// <summary>The usual name.</summary>
    public const string FileName = "results.json";

    const string CurrentFormat = "engine results 1";

    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>Which form this is.</summary>
    public string Format { get; init; } = CurrentFormat;

    /// <summary>A line on what was compared.</summary>
    public string About { get; init; } = "";

    /// <summary>The domain that was fine-tuned on: in distribution.</summary>
    public required string Domain { get; init; }

    /// <summary>The other domains: out of distribution.</summary>
    public required IReadOnlyList<string> Others { get; init; }

    /// <summary>Names and texts of the configuration that all runs share.</summary>
    public IReadOnlyList<string[]> Settings { get; init; } = [];

    /// <summary>The model that all runs started from.</summary>
    public ExperimentRun? Pretrained { get; init; }

    /// <summary>One entry a method, value of its knob, and seed. WiSE-FT is a method whose knob is alpha.</summary>
    public required IReadOnlyList<ExperimentRun> Runs { get; init; }

    /// <summary>Writes the file; it appears only when whole.</summary>
    public void Save(string path) => WholeFile.Write(path, stream => JsonSerializer.Serialize(stream, this, Json));

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It holds no results of this version.</exception>
    public static ExperimentResults Load(string path)
    {
        try
        {
            ExperimentResults? results = JsonSerializer.Deserialize<ExperimentResults>(File.ReadAllBytes(path), Json);
            return results?.Format == CurrentFormat ? results : throw new InvalidDataException($"{path}: its format is '{results?.Format}', '{CurrentFormat}' expected; it is of another version.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path}: holds no results of an experiment: {exception.Message}", exception);
        }
    }
}

/// <summary>One fine-tuned and measured model.</summary>
public sealed record ExperimentRun
{
    /// <summary>The method's name.</summary>
    public string Method { get; init; } = "";

    /// <summary>The name of the setting that was varied, or null.</summary>
    public string? Knob { get; init; }

    /// <summary>Its value.</summary>
    public double? Value { get; init; }

    /// <summary>The seed.</summary>
    public ulong? Seed { get; init; }

    /// <summary>The metric of each domain, 0 to 1.</summary>
    public required IReadOnlyDictionary<string, double> Accuracy { get; init; }

    /// <summary>The metric on the validation data of the domain that was fine-tuned on: what knobs are chosen by; null where nothing was chosen.</summary>
    public double? Validation { get; init; }

    /// <summary>|W - W0| over all parameters; NaN where adapters equal no weights.</summary>
    public double Deviation { get; init; }

    /// <summary>The epoch whose weights these are.</summary>
    public int? Epoch { get; init; }

    /// <summary>Numbers that were trained.</summary>
    public long? Trained { get; init; }

    /// <summary>The most memory that tensors held at once, bytes.</summary>
    public long? PeakBytes { get; init; }

    /// <summary>The share of layers and steps in which a layer was projected; null where nothing is ever.</summary>
    public double? Projected { get; init; }

    /// <summary>Training time.</summary>
    public double? Seconds { get; init; }
}
