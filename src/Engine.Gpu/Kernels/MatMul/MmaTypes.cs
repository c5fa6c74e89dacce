using ILGPU.Runtime.Cuda;

namespace Engine.Gpu;

/// <summary>
/// The tensor cores' instruction for an element type. One step multiplies a warp's 64 x 32 results by 32 bytes of K: four
/// fragments of a (registers ax0 to ax15), four of b (bx0 to bx7), sixteen of sums (d0 to d63). A number in the text is a register
/// that the kernel declares: operands that ILGPU passes by reference would go through slow memory.
/// </summary>
interface IMmaType
{
    /// <summary>Bytes of an element.</summary>
    static abstract int Bytes { get; }

    /// <summary>d += a b.</summary>
    static abstract void Multiply();
}

/// <summary>bfloat16, summed in float32.</summary>
readonly struct BrainMma : IMmaType
{
    const string Mma = "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 ";

    public static int Bytes => 2;

    public static void Multiply()
    {
        CudaAsm.Emit(Mma + "{d0,d1,d2,d3},{ax0,ax1,ax2,ax3},{bx0,bx1},{d0,d1,d2,d3}; "
            + Mma + "{d4,d5,d6,d7},{ax0,ax1,ax2,ax3},{bx2,bx3},{d4,d5,d6,d7}; "
            + Mma + "{d8,d9,d10,d11},{ax0,ax1,ax2,ax3},{bx4,bx5},{d8,d9,d10,d11}; "
            + Mma + "{d12,d13,d14,d15},{ax0,ax1,ax2,ax3},{bx6,bx7},{d12,d13,d14,d15}; ");
        CudaAsm.Emit(Mma + "{d16,d17,d18,d19},{ax4,ax5,ax6,ax7},{bx0,bx1},{d16,d17,d18,d19}; "
            + Mma + "{d20,d21,d22,d23},{ax4,ax5,ax6,ax7},{bx2,bx3},{d20,d21,d22,d23}; "
            + Mma + "{d24,d25,d26,d27},{ax4,ax5,ax6,ax7},{bx4,bx5},{d24,d25,d26,d27}; "
            + Mma + "{d28,d29,d30,d31},{ax4,ax5,ax6,ax7},{bx6,bx7},{d28,d29,d30,d31}; ");
        CudaAsm.Emit(Mma + "{d32,d33,d34,d35},{ax8,ax9,ax10,ax11},{bx0,bx1},{d32,d33,d34,d35}; "
            + Mma + "{d36,d37,d38,d39},{ax8,ax9,ax10,ax11},{bx2,bx3},{d36,d37,d38,d39}; "
            + Mma + "{d40,d41,d42,d43},{ax8,ax9,ax10,ax11},{bx4,bx5},{d40,d41,d42,d43}; "
            + Mma + "{d44,d45,d46,d47},{ax8,ax9,ax10,ax11},{bx6,bx7},{d44,d45,d46,d47}; ");
        CudaAsm.Emit(Mma + "{d48,d49,d50,d51},{ax12,ax13,ax14,ax15},{bx0,bx1},{d48,d49,d50,d51}; "
            + Mma + "{d52,d53,d54,d55},{ax12,ax13,ax14,ax15},{bx2,bx3},{d52,d53,d54,d55}; "
            + Mma + "{d56,d57,d58,d59},{ax12,ax13,ax14,ax15},{bx4,bx5},{d56,d57,d58,d59}; "
            + Mma + "{d60,d61,d62,d63},{ax12,ax13,ax14,ax15},{bx6,bx7},{d60,d61,d62,d63}; ");
    }
}

/// <summary>float16, summed in float32.</summary>
readonly struct HalfMma : IMmaType
{
    const string Mma = "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 ";

    public static int Bytes => 2;

    public static void Multiply()
    {
        CudaAsm.Emit(Mma + "{d0,d1,d2,d3},{ax0,ax1,ax2,ax3},{bx0,bx1},{d0,d1,d2,d3}; "
            + Mma + "{d4,d5,d6,d7},{ax0,ax1,ax2,ax3},{bx2,bx3},{d4,d5,d6,d7}; "
            + Mma + "{d8,d9,d10,d11},{ax0,ax1,ax2,ax3},{bx4,bx5},{d8,d9,d10,d11}; "
            + Mma + "{d12,d13,d14,d15},{ax0,ax1,ax2,ax3},{bx6,bx7},{d12,d13,d14,d15}; ");
        CudaAsm.Emit(Mma + "{d16,d17,d18,d19},{ax4,ax5,ax6,ax7},{bx0,bx1},{d16,d17,d18,d19}; "
            + Mma + "{d20,d21,d22,d23},{ax4,ax5,ax6,ax7},{bx2,bx3},{d20,d21,d22,d23}; "
            + Mma + "{d24,d25,d26,d27},{ax4,ax5,ax6,ax7},{bx4,bx5},{d24,d25,d26,d27}; "
            + Mma + "{d28,d29,d30,d31},{ax4,ax5,ax6,ax7},{bx6,bx7},{d28,d29,d30,d31}; ");
        CudaAsm.Emit(Mma + "{d32,d33,d34,d35},{ax8,ax9,ax10,ax11},{bx0,bx1},{d32,d33,d34,d35}; "
            + Mma + "{d36,d37,d38,d39},{ax8,ax9,ax10,ax11},{bx2,bx3},{d36,d37,d38,d39}; "
            + Mma + "{d40,d41,d42,d43},{ax8,ax9,ax10,ax11},{bx4,bx5},{d40,d41,d42,d43}; "
            + Mma + "{d44,d45,d46,d47},{ax8,ax9,ax10,ax11},{bx6,bx7},{d44,d45,d46,d47}; ");
        CudaAsm.Emit(Mma + "{d48,d49,d50,d51},{ax12,ax13,ax14,ax15},{bx0,bx1},{d48,d49,d50,d51}; "
            + Mma + "{d52,d53,d54,d55},{ax12,ax13,ax14,ax15},{bx2,bx3},{d52,d53,d54,d55}; "
            + Mma + "{d56,d57,d58,d59},{ax12,ax13,ax14,ax15},{bx4,bx5},{d56,d57,d58,d59}; "
            + Mma + "{d60,d61,d62,d63},{ax12,ax13,ax14,ax15},{bx6,bx7},{d60,d61,d62,d63}; ");
    }
}

/// <summary>float32 rounded to TF32, ten binary digits, summed in float32.</summary>
readonly struct TensorFloatMma : IMmaType
{
    const string Mma = "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 ";

    public static int Bytes => 4;

    public static void Multiply()
    {
        // A float32 has more digits than the multiplier takes: rounded to the nearest, ties away from zero.
        CudaAsm.Emit("cvt.rna.tf32.f32 ax0,ax0; cvt.rna.tf32.f32 ax1,ax1; cvt.rna.tf32.f32 ax2,ax2; cvt.rna.tf32.f32 ax3,ax3; cvt.rna.tf32.f32 ax4,ax4; cvt.rna.tf32.f32 ax5,ax5; cvt.rna.tf32.f32 ax6,ax6; cvt.rna.tf32.f32 ax7,ax7;");
        CudaAsm.Emit("cvt.rna.tf32.f32 ax8,ax8; cvt.rna.tf32.f32 ax9,ax9; cvt.rna.tf32.f32 ax10,ax10; cvt.rna.tf32.f32 ax11,ax11; cvt.rna.tf32.f32 ax12,ax12; cvt.rna.tf32.f32 ax13,ax13; cvt.rna.tf32.f32 ax14,ax14; cvt.rna.tf32.f32 ax15,ax15;");
        CudaAsm.Emit("cvt.rna.tf32.f32 bx0,bx0; cvt.rna.tf32.f32 bx1,bx1; cvt.rna.tf32.f32 bx2,bx2; cvt.rna.tf32.f32 bx3,bx3; cvt.rna.tf32.f32 bx4,bx4; cvt.rna.tf32.f32 bx5,bx5; cvt.rna.tf32.f32 bx6,bx6; cvt.rna.tf32.f32 bx7,bx7;");
        CudaAsm.Emit(Mma + "{d0,d1,d2,d3},{ax0,ax1,ax2,ax3},{bx0,bx1},{d0,d1,d2,d3}; "
            + Mma + "{d4,d5,d6,d7},{ax0,ax1,ax2,ax3},{bx2,bx3},{d4,d5,d6,d7}; "
            + Mma + "{d8,d9,d10,d11},{ax0,ax1,ax2,ax3},{bx4,bx5},{d8,d9,d10,d11}; "
            + Mma + "{d12,d13,d14,d15},{ax0,ax1,ax2,ax3},{bx6,bx7},{d12,d13,d14,d15}; ");
        CudaAsm.Emit(Mma + "{d16,d17,d18,d19},{ax4,ax5,ax6,ax7},{bx0,bx1},{d16,d17,d18,d19}; "
            + Mma + "{d20,d21,d22,d23},{ax4,ax5,ax6,ax7},{bx2,bx3},{d20,d21,d22,d23}; "
            + Mma + "{d24,d25,d26,d27},{ax4,ax5,ax6,ax7},{bx4,bx5},{d24,d25,d26,d27}; "
            + Mma + "{d28,d29,d30,d31},{ax4,ax5,ax6,ax7},{bx6,bx7},{d28,d29,d30,d31}; ");
        CudaAsm.Emit(Mma + "{d32,d33,d34,d35},{ax8,ax9,ax10,ax11},{bx0,bx1},{d32,d33,d34,d35}; "
            + Mma + "{d36,d37,d38,d39},{ax8,ax9,ax10,ax11},{bx2,bx3},{d36,d37,d38,d39}; "
            + Mma + "{d40,d41,d42,d43},{ax8,ax9,ax10,ax11},{bx4,bx5},{d40,d41,d42,d43}; "
            + Mma + "{d44,d45,d46,d47},{ax8,ax9,ax10,ax11},{bx6,bx7},{d44,d45,d46,d47}; ");
        CudaAsm.Emit(Mma + "{d48,d49,d50,d51},{ax12,ax13,ax14,ax15},{bx0,bx1},{d48,d49,d50,d51}; "
            + Mma + "{d52,d53,d54,d55},{ax12,ax13,ax14,ax15},{bx2,bx3},{d52,d53,d54,d55}; "
            + Mma + "{d56,d57,d58,d59},{ax12,ax13,ax14,ax15},{bx4,bx5},{d56,d57,d58,d59}; "
            + Mma + "{d60,d61,d62,d63},{ax12,ax13,ax14,ax15},{bx6,bx7},{d60,d61,d62,d63}; ");
    }
}
