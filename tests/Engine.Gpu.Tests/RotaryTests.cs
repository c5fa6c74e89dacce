using Engine.Tensors;

namespace Engine.Gpu.Tests;

public sealed class RotaryTests
{
    [Theory]
    [InlineData(2, 3, 5, 8)]
    [InlineData(1, 1, 1, 2)]
    [InlineData(2, 4, 33, 64)]
    public void Both_directions_agree_with_the_cpu_for_any_layout(int batch, int heads, int positions, int size)
    {
        foreach (DType dtype in (DType[])[DType.Float32, DType.Float64])
        {
            double tolerance = dtype == DType.Float32 ? 1e-6 : 1e-14;
            Tensor x = RowsOnDevice.Draw([batch, positions, heads, size], 1, 2, dtype);
            (Tensor cosine, Tensor sine) = Rotary.Tables(10_000, size, 3, positions, null, dtype);
            RowsOnDevice.Agrees(
                place =>
                {
                    Tensor turned = place(x).Permute(0, 2, 1, 3), dense = turned.Contiguous(), backwards = dense.Flip(3);
                    return
                    [
                        Rotary.Rotate(turned, place(cosine), place(sine)), Rotary.Rotate(dense, place(cosine), place(sine), true),
                        Rotary.Rotate(backwards, place(cosine), place(sine)),
                    ];
                },
                tolerance, tolerance, $"{x}");
        }
    }
}
