using System.Text.RegularExpressions;

namespace Engine.Gpu;

/// <summary>
/// On a kernel: what one of its views writes no other view reads. A compiler that knows it may compute several threads in one
/// vector without asking first; with many views it would not ask, and compute them one by one.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class DisjointViewsAttribute : Attribute;

/// <summary>What ILGPU does not say in the OpenCL source it writes.</summary>
static partial class OpenCLText
{
    /// <summary>The source with the kernel's views declared as disjoint.</summary>
    public static string Restricted(string source) => View().Replace(source, "$1 restrict $2");

    [GeneratedRegex(@"(\bglobal \w+\*) (view_\d+\b)(?=[,\s)])")]
    private static partial Regex View();
}
