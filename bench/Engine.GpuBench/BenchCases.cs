namespace Engine.GpuBench;

/// <summary>All cases, in the order they run.</summary>
static class BenchCases
{
    /// <param name="quick">Small sizes.</param>
    /// <param name="processor">The device is a processor under OpenCL, which has bars of its own.</param>
    public static IEnumerable<BenchCase> All(bool quick, bool processor) =>
    [
        .. ProductCases.All(quick, processor), .. AttentionCases.All(quick), .. RowCases.All(quick),
        .. OptimizerCases.All(quick, processor), .. VitCases.All(quick, processor),
    ];
}
