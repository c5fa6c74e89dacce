using System.Text.Json;
using System.Text.Json.Serialization;

namespace Engine.Training;

/// <summary>What a run leaves for its report: how it was set up and how it went. The file <c>run.json</c> of its folder.</summary>
public sealed record RunRecord
{
    /// <summary>The usual name.</summary>
    public const string FileName = "run.json";

    const string CurrentFormat = "engine run 1";

    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>Which form this is.</summary>
    public string Format { get; init; } = CurrentFormat;

    /// <summary>A line on what was run.</summary>
    public string About { get; init; } = "";

    /// <summary>Names and texts of the configuration.</summary>
    public IReadOnlyList<string[]> Settings { get; init; } = [];

    /// <summary>How the loss went, phase by phase.</summary>
    public IReadOnlyList<RunCurve> Curves { get; init; } = [];

    /// <summary>Where the trace is: a name in the run's folder, or a path; null for the usual names.</summary>
    public string? Trace { get; init; }

    /// <summary>Writes the file; it appears only when whole.</summary>
    public void Save(string path) => WholeFile.Write(path, stream => JsonSerializer.Serialize(stream, this, Json));

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It is no run of this version.</exception>
    public static RunRecord Load(string path)
    {
        try
        {
            RunRecord? record = JsonSerializer.Deserialize<RunRecord>(File.ReadAllBytes(path), Json);
            return record?.Format == CurrentFormat ? record : throw new InvalidDataException($"{path}: its format is '{record?.Format}', '{CurrentFormat}' expected; the run is of another version.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path}: is not the record of a run: {exception.Message}", exception);
        }
    }
}

/// <summary>One phase of a run.</summary>
/// <param name="Name">What progress reports call it.</param>
/// <param name="Points">The training, now and then.</param>
/// <param name="Validations">The measurements after epochs.</param>
public sealed record RunCurve(string Name, IReadOnlyList<RunPoint> Points, IReadOnlyList<RunValidation> Validations);

/// <summary>Training since the point before.</summary>
/// <param name="Step">Steps done.</param><param name="Loss">Mean loss.</param><param name="Accuracy">Share of right predictions.</param><param name="LearningRate">Of the last step.</param>
public readonly record struct RunPoint(int Step, double Loss, double Accuracy, double LearningRate);

/// <summary>A measurement on validation data.</summary>
/// <param name="Step">Steps done.</param><param name="Loss">Mean loss.</param><param name="Score">What the best weights are chosen by.</param><param name="Summary">In words.</param>
public readonly record struct RunValidation(int Step, double Loss, double Score, string Summary);
