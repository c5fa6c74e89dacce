using System.Text.RegularExpressions;

namespace Engine.Gpu;

/// <summary>What the text that ILGPU writes for NVIDIA's assembler needs before a driver may have it.</summary>
static partial class PtxText
{
    /// <summary>
    /// ILGPU 1.5.3 marks branches as uniform that are not, which PTX leaves undefined: the mark is a hint, and dropped. Its
    /// labels and parameters carry numbers that depend on what was compiled before; counted anew, the same kernel is the same
    /// text in every process, and the driver's cache finds it. Shared memory that the launch sizes is aligned for copies of 16
    /// bytes, whatever its element.
    /// </summary>
    public static string Sound(string text)
    {
        text = UniformMark().Replace(text, "$1");
        text = DynamicSharedMemory().Replace(text, "$1 16 $2");
        text = Renumber(text, Label(), "L_");
        return Renumber(text, ParameterName(), "_p");
    }

    static string Renumber(string text, Regex name, string prefix)
    {
        Dictionary<string, string> names = [];
        return name.Replace(text, match =>
        {
            if (!names.TryGetValue(match.Value, out string? counted)) names[match.Value] = counted = prefix + names.Count;
            return counted;
        });
    }

    [GeneratedRegex(@"\b(bra|brx\.idx|ret|call)\.uni\b")]
    private static partial Regex UniformMark();

    [GeneratedRegex(@"(\.extern \.shared \.align) \d+ (\.b8 __dyn_shared_alloca)")]
    private static partial Regex DynamicSharedMemory();

    [GeneratedRegex(@"\bL_\d+\b")]
    private static partial Regex Label();

    [GeneratedRegex(@"(?<=[\s\[,])_[A-Za-z0-9]*_\d+\b")]
    private static partial Regex ParameterName();
}
