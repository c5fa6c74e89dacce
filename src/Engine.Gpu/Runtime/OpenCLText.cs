using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Engine.Gpu;

/// <summary>
/// On a kernel: what one of its views writes no other view reads. A compiler that knows it may compute several threads in one
/// vector without asking first; with many views it would not ask, and compute them one by one.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class DisjointViewsAttribute : Attribute;

/// <summary>What the OpenCL source that ILGPU writes needs before a driver may have it.</summary>
static partial class OpenCLText
{
    /// <summary>
    /// Types and labels carry numbers that depend on what was compiled before; counted anew, the same kernel is the same text in
    /// every process, and the driver's cache finds it. The types of two kernels do not share names, which one compiler in one
    /// process might confuse: a digest of the text is part of them. Views that are disjoint are declared so.
    /// </summary>
    public static string Sound(string source, bool disjointViews)
    {
        if (disjointViews) source = View().Replace(source, "$1 restrict $2");
        source = Counted(source, "");
        string digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(source)).AsSpan(0, 6));
        return Counted(source, $"_{digest}");
    }

    static string Counted(string source, string suffix)
    {
        Dictionary<string, int> numbers = [];
        return Numbered().Replace(source, match =>
        {
            if (!numbers.TryGetValue(match.Value, out int number)) numbers[match.Value] = number = numbers.Count;
            return $"{match.Groups[1].Value}_{number}{suffix}";
        });
    }

    [GeneratedRegex(@"\b(type|L)_\d+(?!\d)")]
    private static partial Regex Numbered();

    [GeneratedRegex(@"(\bglobal \w+\*) (view_\d+\b)(?=[,\s)])")]
    private static partial Regex View();
}
