using System.Runtime.InteropServices;
using System.Text.Json;
using Engine.Tensors;

namespace Engine.Optim.Tests;

static class StandInReader
{
    public static string Folder
    {
        get
        {
            string? folder = AppContext.BaseDirectory;
            while (folder is not null && !File.Exists(Path.Combine(folder, "Engine.sln"))) folder = Path.GetDirectoryName(folder);
            return Path.Combine(folder!, "tests", "Fixtures", "optim");
        }
    }

    public static Dictionary<string, Tensor> Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int length = (int)BitConverter.ToUInt64(bytes);
        Dictionary<string, Tensor> result = [];
        using JsonDocument header = JsonDocument.Parse(bytes.AsMemory(8, length));
        foreach (JsonProperty item in header.RootElement.EnumerateObject())
        {
            if (item.Name == "__metadata__") continue;
            int[] shape = [.. item.Value.GetProperty("shape").EnumerateArray().Select(e => e.GetInt32())];
            JsonElement offsets = item.Value.GetProperty("data_offsets");
            int start = 8 + length + offsets[0].GetInt32(), end = 8 + length + offsets[1].GetInt32();
            result[item.Name] = Tensor.From(MemoryMarshal.Cast<byte, float>(bytes.AsSpan(start, end - start)), Shape.Create(shape));
        }

        return result;
    }
}
