using Engine.Tensors;

namespace Engine.Gpu.Tests;

public sealed class WindowTests
{
    [Fact]
    public void Windows_and_their_transpose_agree_with_the_cpu_to_the_bit()
    {
        WindowOptions[] windows =
        [
            new(1, 1), new(3, 3, Padding: 1), new(3, 2, Stride: 2, Padding: 1, PaddingValue: float.NegativeInfinity), new(2, 3, Stride: 3), new(3, 3, Stride: 2, Padding: 2, Dilation: 2, PaddingValue: 0.5f),
            new(2, 2, Padding: 3),
        ];
        foreach (WindowOptions window in windows)
        {
            foreach (DType dtype in (DType[])[DType.Float32, DType.Float64])
            {
                Tensor x = RowsOnDevice.Draw([2, 3, 9, 8], 1, 2, dtype);
                int height = window.OutputHeight(9), width = window.OutputWidth(8);
                Tensor columns = RowsOnDevice.Draw([2, 3, window.KernelHeight * window.KernelWidth, height * width], 2, 2, dtype);
                RowsOnDevice.AgreesExactly(
                    place =>
                    {
                        Tensor image = place(x), unfolded = image.EmptyLike(columns.Shape), folded = image.EmptyLike();
                        image.Backend.Unfold(image, window, unfolded);
                        image.Backend.Fold(place(columns), window, folded);
                        return [unfolded, folded];
                    },
                    $"{window}");
            }
        }
    }

    [Fact]
    public void Pooling_and_its_gradients_agree_with_the_cpu()
    {
        WindowOptions window = new(3, 3, Stride: 2, Padding: 1);
        Tensor x = RowsOnDevice.Draw([2, 5, 11, 10]), dy = RowsOnDevice.Draw([2, 5, 6, 5], 2);
        RowsOnDevice.Agrees(
            place =>
            {
                (Tensor largest, Tensor indices) = Pooling.MaxPool2d(place(x), window);
                return
                [
                    largest, indices, Pooling.MaxPool2dGradient(place(dy), indices, x.Shape, window), Pooling.AveragePool2d(place(x), window),
                    Pooling.AveragePool2dGradient(place(dy), x.Shape, window),
                ];
            },
            2e-6, 1e-6, "pooling");
    }
}
