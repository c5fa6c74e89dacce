using BenchmarkDotNet.Attributes;
using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>The products of <see cref="GemmTable"/> under BenchmarkDotNet.</summary>
[MemoryDiagnoser]
public class GemmBenchmarks
{
    Action run = () => { };

    [ParamsSource(nameof(Products))]
    public string Product { get; set; } = "";

    [Params(1, 2)]
    public int Threads { get; set; }

    public static IEnumerable<string> Products => GemmTable.Cases().Select(c => c.ToString());

    [GlobalSetup]
    public void Setup()
    {
        ThreadTeam.Threads = Threads;
        run = GemmTable.Cases().First(c => c.ToString() == Product).Prepare();
    }

    [Benchmark]
    public void MatMul() => run();
}
