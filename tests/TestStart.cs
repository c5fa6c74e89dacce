using System.Runtime.CompilerServices;
using Engine.Testing;

/// <summary>Runs before anything else of a test project: every one compiles this file.</summary>
static class TestStart
{
    [ModuleInitializer]
    internal static void Start() => TestDevices.UseDefault();
}
