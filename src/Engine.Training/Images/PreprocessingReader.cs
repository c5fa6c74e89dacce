using System.Text.Json;

namespace Engine.Training;

/// <summary>Reads the descriptions of preprocessing that model folders hold; every refusal names the field.</summary>
/// <param name="name">The file, for messages.</param>
sealed class PreprocessingReader(string name)
{
    const string PretrainedConfig = "pretrained_cfg";

    public Preprocessing Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw Fault("expected a JSON object");
        if (root.TryGetProperty(PretrainedConfig, out var pretrained) && pretrained.ValueKind == JsonValueKind.Object)
            root = pretrained;

        Preprocessing result;
        if (root.TryGetProperty("input_size", out _))
            result = ReadTimm(root);
        else if (root.TryGetProperty("image_mean", out _) || root.TryGetProperty("image_processor_type", out _) || root.TryGetProperty("feature_extractor_type", out _))
            result = ReadHuggingFace(root);
        else
            throw Fault("neither timm's form (input_size, mean, std, crop_pct, interpolation) nor Hugging Face's (size, image_mean, image_std, resample)");
        return result.Fault() is { } fault ? throw Fault(fault) : result;
    }

    /// <summary>Whether a config.json is timm's and says how images become its input; a file that is no JSON is somebody else's to report.</summary>
    public static bool HasPretrainedConfig(byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty(PretrainedConfig, out var value)
                && value.ValueKind == JsonValueKind.Object && value.TryGetProperty("input_size", out _);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>timm's <c>pretrained_cfg</c>; absent fields have timm's defaults (resolve_data_config).</summary>
    Preprocessing ReadTimm(JsonElement root)
    {
        var size = Numbers(root, "input_size", 3)!;
        if (size[0] != RgbImage.Channels || size[1] != size[2] || size[1] != Math.Floor(size[1]))
            throw Fault($"input_size is [{string.Join(", ", size)}], expected [3, N, N]");
        return new Preprocessing(
            (int)size[1],
            Channels(root, "mean") ?? Preprocessing.ImageNetMean,
            Channels(root, "std") ?? Preprocessing.ImageNetStd,
            Number(root, "crop_pct") ?? 0.875,
            (Text(root, "crop_mode") ?? "center") switch
            {
                "center" => CropMode.Center,
                "squash" => CropMode.Squash,
                var other => throw Fault($"crop_mode is '{other}', expected center or squash"),
            },
            (Text(root, "interpolation") ?? "bicubic") switch
            {
                "bilinear" => Interpolation.Bilinear,
                "bicubic" => Interpolation.Bicubic,
                "lanczos" => Interpolation.Lanczos,
                var other => throw Fault($"interpolation is '{other}', expected bilinear, bicubic or lanczos"),
            });
    }

    /// <summary>
    /// Hugging Face's image processors: <c>size</c> as a number or {height, width} resizes to a square (ViT),
    /// {shortest_edge} keeps the shape and <c>crop_size</c> cuts the middle out (CLIP, ConvNeXT).
    /// </summary>
    Preprocessing ReadHuggingFace(JsonElement root)
    {
        if (Flag(root, "do_resize") == false)
            throw Fault("do_resize is false; images of any size cannot be batched, write preprocessing.json instead");
        if (Number(root, "rescale_factor") is { } factor && Math.Abs(factor * 255 - 1) > 1e-6)
            throw Fault($"rescale_factor is {factor}, expected 1/255");
        int? cropped = Flag(root, "do_center_crop") == true ? Side(root, "crop_size", out _) ?? throw Fault("do_center_crop without crop_size") : null;
        int resized = Side(root, "size", out bool keepsShape) ?? throw Fault("no size");
        if (keepsShape && cropped is null)
            throw Fault("size is a shortest_edge without do_center_crop; images of any shape cannot be batched, write preprocessing.json instead");
        int size = cropped ?? resized;
        bool normalizes = Flag(root, "do_normalize") ?? true;
        return new Preprocessing(
            size,
            normalizes ? Channels(root, "image_mean") ?? throw Fault("no image_mean") : ChannelValues.All(0),
            normalizes ? Channels(root, "image_std") ?? throw Fault("no image_std") : ChannelValues.All(1),
            FractionFor(size, resized),
            keepsShape ? CropMode.Center : CropMode.Squash,
            (Number(root, "resample") ?? 2) switch       // PIL's numbers
            {
                1 => Interpolation.Lanczos,
                2 => Interpolation.Bilinear,
                3 => Interpolation.Bicubic,
                var other => throw Fault($"resample is {other}, expected 1 (lanczos), 2 (bilinear) or 3 (bicubic)"),
            });
    }

    /// <summary>The fraction that <see cref="Preprocessing.ResizeSize"/> turns back into exactly the side resized to.</summary>
    static double FractionFor(int size, int resized)
    {
        double fraction = (double)size / resized;
        while (fraction > 0 && Math.Floor(size / fraction) < resized)
            fraction = Math.BitDecrement(fraction);
        return fraction;
    }

    /// <summary>A side in one of Hugging Face's spellings: 224, {"height": 224, "width": 224}, {"shortest_edge": 224}.</summary>
    int? Side(JsonElement root, string field, out bool keepsShape)
    {
        keepsShape = false;
        if (!root.TryGetProperty(field, out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        if (value.ValueKind == JsonValueKind.Number)
        {
            // Before size was an object, a bare number meant the shorter side where a centre crop follows (CLIP).
            keepsShape = field == "size" && Flag(root, "do_center_crop") == true;
            return Positive(value, field);
        }
        if (value.ValueKind == JsonValueKind.Object)
        {
            if (value.TryGetProperty("shortest_edge", out var edge))
            {
                keepsShape = true;
                return Positive(edge, field);
            }
            if (value.TryGetProperty("height", out var height) && value.TryGetProperty("width", out var width))
            {
                int side = Positive(height, field);
                return side == Positive(width, field) ? side : throw Fault($"{field} is {height}x{width}, expected a square");
            }
        }
        throw Fault($"{field} is {value.GetRawText()}, expected a number, height and width, or shortest_edge");
    }

    int Positive(JsonElement value, string field) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number > 0
            ? number : throw Fault($"{field} is {value.GetRawText()}, expected a positive integer");

    double? Number(JsonElement root, string field) => Optional(root, field, JsonValueKind.Number)?.GetDouble();

    string? Text(JsonElement root, string field) => Optional(root, field, JsonValueKind.String)?.GetString();

    bool? Flag(JsonElement root, string field)
    {
        if (!root.TryGetProperty(field, out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean() : throw Fault($"{field} is {value.GetRawText()}, expected true or false");
    }

    ChannelValues? Channels(JsonElement root, string field) =>
        Numbers(root, field, RgbImage.Channels) is { } values
            ? new ChannelValues((float)values[0], (float)values[1], (float)values[2]) : null;

    double[]? Numbers(JsonElement root, string field, int count)
    {
        if (Optional(root, field, JsonValueKind.Array) is not { } value)
            return null;
        var numbers = new double[count];
        bool fits = value.GetArrayLength() == count;
        for (int i = 0; fits && i < count; i++)
        {
            fits = value[i].ValueKind == JsonValueKind.Number;
            numbers[i] = fits ? value[i].GetDouble() : 0;
        }
        return fits ? numbers : throw Fault($"{field} is {value.GetRawText()}, expected {count} numbers");
    }

    JsonElement? Optional(JsonElement root, string field, JsonValueKind kind)
    {
        if (!root.TryGetProperty(field, out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        return value.ValueKind == kind ? value : throw Fault($"{field} is {value.GetRawText()}, expected a JSON {kind.ToString().ToLowerInvariant()}");
    }

    /// <summary>A quoted value may span lines in the file; the message must not.</summary>
    PreprocessingException Fault(string fault) =>
        new(name, string.Join(' ', fault.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
}
