using System.Text.Json;

namespace Engine.Training.Tests;

/// <summary>What Pillow made of the files in <c>Fixtures/files</c>; see <c>Fixtures/make_fixtures.py</c>.</summary>
static class Pillow
{
    static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Fixtures");
    static readonly byte[] Blob = System.IO.File.ReadAllBytes(Path.Combine(Folder, "pillow.bin"));

    public static string File(string name) => Path.Combine(Folder, "files", name);

    public static IReadOnlyList<PillowCase> Cases(string kind)
    {
        using var document = JsonDocument.Parse(System.IO.File.ReadAllBytes(Path.Combine(Folder, "pillow.json")));
        var cases = document.RootElement.GetProperty("cases").EnumerateArray()
            .Where(item => item.GetProperty("kind").GetString() == kind)
            .Select(item => new PillowCase(item.Clone(), Blob.AsMemory(item.GetProperty("offset").GetInt32(), item.GetProperty("length").GetInt32())))
            .ToList();
        Assert.NotEmpty(cases);
        return cases;
    }

    /// <summary>The largest difference of a byte must not exceed the tolerance; says where it does.</summary>
    public static void AssertClose(PillowCase expected, RgbImage actual, int tolerance = 0)
    {
        Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
        var reference = expected.Data.Span;
        Assert.Equal(reference.Length, actual.Pixels.Length);
        int worst = 0, where = 0;
        for (int i = 0; i < reference.Length; i++)
            if (Math.Abs(reference[i] - actual.Pixels[i]) is var difference && difference > worst)
                (worst, where) = (difference, i);
        Assert.True(worst <= tolerance,
            $"{expected}: byte {where} (x {where / 3 % actual.Width}, y {where / actual.Stride}, channel {where % 3}) is {actual.Pixels[where]}, Pillow's {reference[where]}.");
    }
}

sealed class PillowCase(JsonElement facts, ReadOnlyMemory<byte> data)
{
    public ReadOnlyMemory<byte> Data => data;

    public int Width => facts.GetProperty("width").GetInt32();

    public int Height => facts.GetProperty("height").GetInt32();

    public string Text(string name) => facts.GetProperty(name).GetString()!;

    public double Number(string name) => facts.GetProperty(name).GetDouble();

    public int[] Integers(string name) => [.. facts.GetProperty(name).EnumerateArray().Select(item => item.GetInt32())];

    public Interpolation Filter => Enum.Parse<Interpolation>(Text("filter"), ignoreCase: true);

    public override string ToString() => string.Join(' ', facts.GetRawText().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
