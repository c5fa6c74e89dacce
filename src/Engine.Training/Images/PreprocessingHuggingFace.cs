using System.Text.Json.Nodes;

namespace Engine.Training;

public sealed partial record Preprocessing
{
    /// <summary>
    /// Hugging Face's <c>preprocessor_config.json</c>, UTF-8, which <see cref="Parse"/> reads back to the same pixels: with a
    /// processor that crops (CLIP's) where something is cut off, else one that does not (ViT's).
    /// </summary>
    public byte[] ToHuggingFaceJson()
    {
        bool crops = CropMode == CropMode.Center || ResizeSize != Size;
        JsonObject json = new()
        {
            ["image_processor_type"] = crops ? "CLIPImageProcessor" : "ViTImageProcessor",
            ["do_resize"] = true,
            ["size"] = CropMode == CropMode.Center ? new JsonObject { ["shortest_edge"] = ResizeSize } : new JsonObject { ["height"] = ResizeSize, ["width"] = ResizeSize },
            ["resample"] = Interpolation switch { Interpolation.Lanczos => 1, Interpolation.Bilinear => 2, _ => 3 },        // PIL's numbers
            ["do_rescale"] = true,
            ["rescale_factor"] = 1 / 255.0,
            ["do_normalize"] = true,
            ["image_mean"] = new JsonArray(Mean.Red, Mean.Green, Mean.Blue),
            ["image_std"] = new JsonArray(Std.Red, Std.Green, Std.Blue),
        };
        if (crops)
        {
            json["do_center_crop"] = true;
            json["crop_size"] = new JsonObject { ["height"] = Size, ["width"] = Size };
        }

        return System.Text.Encoding.UTF8.GetBytes(json.ToJsonString(new() { WriteIndented = true, NewLine = "\n" }) + "\n");
    }
}
