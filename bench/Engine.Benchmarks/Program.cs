using BenchmarkDotNet.Running;
using Engine.Benchmarks;

// Quick tables for the daily work; anything else goes to BenchmarkDotNet, for instance --filter '*Gemm*'.
switch (args)
{
    case ["--roofline", ..]:
        Roofline.Print();
        break;
    case ["--gemm", .. var rest]:
        GemmTable.Print(rest);
        break;
    case ["--gpu-bandwidth", .. var rest]:
        GpuBandwidthTable.Print(rest);
        break;
    case ["--gpu-optimizer", .. var rest]:
        GpuOptimizerTable.Print(rest);
        break;
    case ["--gpu-gemm", .. var rest]:
        GpuGemmTable.Print(rest);
        break;
    case ["--attention", .. var rest]:
        AttentionTable.Print(rest);
        break;
    case ["--gpu-attention", .. var rest]:
        GpuAttentionTable.Print(rest);
        break;
    case ["--small", ..]:
        SmallProducts.Print();
        break;
    case ["--narrow", ..]:
        NarrowProducts.Print();
        break;
    case ["--decode", .. var rest]:
        DecodeTable.Print(rest);
        break;
    case ["--llama7b", .. var rest]:
        Llama7B.Run(rest);
        break;
    case ["--memory", ..]:
        ResidentMemory.Print();
        break;
    case ["--peft", ..]:
        AdaptationCost.Print();
        break;
    case ["--recompute", .. var rest]:
        Recomputation.Print(rest);
        break;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(Roofline).Assembly).Run(args);
        break;
}
