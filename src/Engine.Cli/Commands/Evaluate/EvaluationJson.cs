using System.Text.Json;

namespace Engine.Cli;

/// <summary>What the evaluations of images print with <c>--json</c> alike.</summary>
static class EvaluationJson
{
    /// <summary>Prints one object on standard output.</summary>
    /// <param name="properties">Writes what is in it.</param>
    public static void Print(Action<Utf8JsonWriter> properties)
    {
        using Stream output = Console.OpenStandardOutput();
        using (Utf8JsonWriter json = new(output, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            properties(json);
            json.WriteEndObject();
        }

        output.Write("\n"u8);
    }

    /// <summary>A number; null for one that JSON does not have, such as the accuracy of a class without images.</summary>
    public static void WriteFinite(this Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, value);
        else json.WriteNull(name);
    }

    /// <summary>A list of the classes, each with its name, what was measured of it, and how often it was taken for which.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="names">The classes.</param>
    /// <param name="measured">Writes what was measured of a class.</param>
    /// <param name="confusion">How often an actual class was taken for another.</param>
    public static void WriteClasses(this Utf8JsonWriter json, IReadOnlyList<string> names, Action<int> measured, Func<int, int, long> confusion)
    {
        json.WriteStartArray("classes");
        for (int actual = 0; actual < names.Count; actual++)
        {
            json.WriteStartObject();
            json.WriteString("name", names[actual]);
            measured(actual);
            json.WriteStartArray("confusion");
            for (int predicted = 0; predicted < names.Count; predicted++) json.WriteNumberValue(confusion(actual, predicted));
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
