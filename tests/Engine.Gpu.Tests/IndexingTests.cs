using Engine.Tensors;
using Engine.Testing;

namespace Engine.Gpu.Tests;

public sealed class IndexingTests
{
    [Fact]
    public void Gather_moves_any_type_from_any_layout()
    {
        Tensor floats = RowsOnDevice.Draw([6, 7, 9]);
        foreach (DType dtype in (DType[])[DType.Float32, DType.Float64, DType.BFloat16, DType.Int64, DType.Int32, DType.Bool])
        {
            Tensor x = floats.To(dtype);
            for (int axis = 0; axis < 3; axis++)
            {
                // Shorter than x along other axes, longer along its own.
                Shape shape = Shape.Create([5, 6, 4]).With(axis, 11);
                Tensor index = RowsOnDevice.Places(shape, x.Shape[axis]);
                int along = axis;
                RowsOnDevice.AgreesExactly(
                    place =>
                    [
                        Indexing.Gather(place(x), along, place(index)), Indexing.Gather(place(x).Flip(0, 2), along, place(index)),
                        Indexing.Gather(place(x).Permute(2, 0, 1).Contiguous().Permute(1, 2, 0), along, place(index).Flip(1)),
                    ],
                    $"{dtype} along {axis}");
            }
        }
    }

    [Fact]
    public void ScatterAdd_adds_in_the_order_of_the_index()
    {
        // Many short lines, many lines, few long ones.
        foreach ((Shape shape, int axis, int extent) in ((Shape, int, int)[])[([6, 7, 9], 1, 3), ([70, 5, 90], 1, 4), ([2, 300], 1, 17), ([1, 5000], 1, 3), ([3, 5, 2], 0, 8)])
        {
            foreach (DType dtype in (DType[])[DType.Float32, DType.Float64])
            {
                Tensor x = RowsOnDevice.Draw(shape, 1, 2, dtype), index = RowsOnDevice.Places(shape, extent), y = RowsOnDevice.Draw(shape.With(axis, extent), 2, 2, dtype);
                RowsOnDevice.AgreesExactly(
                    place =>
                    [
                        Indexing.ScatterAdd(place(y), axis, place(index), place(x)),
                        Indexing.ScatterAdd(place(y), axis, place(index).Flip(axis), place(x).Flip(0, axis)),
                    ],
                    $"{x} along {axis}");
            }
        }
    }

    [Fact]
    public void IndexSelect_moves_any_type()
    {
        Tensor floats = RowsOnDevice.Draw([5, 6, 7]), index = RowsOnDevice.Places([22], 5);
        foreach (DType dtype in (DType[])[DType.Float32, DType.Float64, DType.Float16, DType.Int64, DType.Bool])
        {
            Tensor x = floats.To(dtype);
            RowsOnDevice.AgreesExactly(
                place =>
                [
                    Indexing.IndexSelect(place(x), 0, place(index)), Indexing.IndexSelect(place(x), 1, place(index).Slice(0, 0, 22, 3)), Indexing.IndexSelect(place(x), 2, place(index).Flip(0)),
                ],
                $"{dtype}");
        }
    }

    [Theory]
    [InlineData(1, 5, 7, 3)]
    [InlineData(3, 32, 5, 4)]
    [InlineData(1, 500, 33, 900)]
    [InlineData(2, 700, 5, 3)]
    [InlineData(4, 300, 1, 20)]
    public void IndexAdd_adds_in_the_order_of_the_index(int outer, int added, int inner, int extent)
    {
        foreach (DType dtype in (DType[])[DType.Float32, DType.Float64])
        {
            Tensor x = RowsOnDevice.Draw([outer, added, inner], 1, 2, dtype), y = RowsOnDevice.Draw([outer, extent, inner], 2, 2, dtype);
            Tensor index = RowsOnDevice.Places([added], extent);
            RowsOnDevice.AgreesExactly(
                place => [Indexing.IndexAdd(place(y), 1, place(index), place(x)), Indexing.IndexAdd(place(y), 1, place(index).Flip(0), place(x).Flip(2))],
                $"{x} into {extent}");
        }
    }

    [Fact]
    public void Sixteen_bit_rows_are_added_too()
    {
        foreach (int added in (int[])[20, 100])
        {
            Tensor x = RowsOnDevice.Draw([1, added, 3]).To(DType.BFloat16), index = RowsOnDevice.Places([added], 50);
            Tensor y = Tensor.Zeros([1, 50, 3], DType.BFloat16, RowsOnDevice.Device);
            y.Backend.IndexAdd(x.To(RowsOnDevice.Device), index.To(RowsOnDevice.Device), y);
            Tensor reference = Indexing.IndexAdd(Tensor.Zeros([1, 50, 3]), 1, index, x.To(DType.Float32));
            TensorAssert.Close(y.To(DType.Float32), reference, 2e-2, 5e-2, $"{added} rows");
        }
    }

    [Theory]
    [InlineData(6)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void An_index_out_of_range_is_reported_with_the_next_read(int wrong)
    {
        Tensor x = RowsOnDevice.Draw([6, 4]).To(RowsOnDevice.Device), index = RowsOnDevice.Places([50, 4], 6), list = RowsOnDevice.Places([50], 6), source = RowsOnDevice.Draw([50, 4]);
        index.AsSpan<int>()[9] = wrong;
        list.AsSpan<int>()[7] = wrong;
        Tensor wrongIndex = index.To(RowsOnDevice.Device), wrongList = list.To(RowsOnDevice.Device), added = source.To(RowsOnDevice.Device);
        Refuses("Gather", () => Indexing.Gather(x, 0, wrongIndex));
        Refuses("ScatterAdd", () => Indexing.ScatterAdd(x, 0, wrongIndex, added));
        Refuses("IndexSelect", () => Indexing.IndexSelect(x, 0, wrongList));
        Refuses("IndexAdd", () => Indexing.IndexAdd(x, 0, wrongList, added));
        Refuses("IndexAdd", () => Indexing.IndexAdd(x, 0, wrongList.Slice(0, 0, 10), added.Slice(0, 0, 10)));

        void Refuses(string operation, Func<Tensor> run)
        {
            ShapeException failure = Assert.Throws<ShapeException>(() => run().ToArray<float>());
            Assert.Contains($"{operation}: index {wrong} at place", failure.Message, StringComparison.Ordinal);
            Assert.Contains("extent 6", failure.Message, StringComparison.Ordinal);
        }
    }
}
