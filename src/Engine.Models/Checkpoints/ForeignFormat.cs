namespace Engine.Models;

/// <summary>Recognises what people open by mistake, so that the error can say what to do.</summary>
static class ForeignFormat
{
    const string Convert = "convert it once in Python: safetensors.torch.save_file(torch.load(FILE, weights_only=True), \"model.safetensors\")";

    /// <param name="start">The file's first bytes, 16 where it has them.</param>
    /// <returns>What the file is and what to do; null for a file that may be safetensors.</returns>
    public static string? Recognise(ReadOnlySpan<byte> start)
    {
        // A header of 640 bytes starts like a pickle (80 02), so a '{' where the header begins settles it.
        if (start.Length > sizeof(ulong) && start[sizeof(ulong)] == '{')
            return null;
        if (start.StartsWith("PK\x03\x04"u8))
            return $"is a PyTorch zip archive (.pt, .bin), which holds a pickle, not safetensors; {Convert}";
        if (start.Length > 1 && start[0] == 0x80 && start[1] is >= 2 and <= 5)
            return $"is a pickle, which can run code when loaded, not safetensors; {Convert}";
        if (start.StartsWith("version https://"u8))
            return "is a Git LFS pointer, not the weights; run \"git lfs pull\" in its repository";
        if (start.StartsWith("GGUF"u8))
            return "is a GGUF file, not safetensors; get the model in its original safetensors form";
        if (start is [0x89, (byte)'H', (byte)'D', (byte)'F', ..])
            return "is an HDF5 file, not safetensors; convert it with the library that wrote it";
        if (start.StartsWith("<!"u8) || start.StartsWith("<html"u8))
            return "is a web page, not safetensors; the download went wrong, fetch the file itself";
        return null;
    }
}
