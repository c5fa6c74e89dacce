using static Engine.Tensors.Tests.MatMulReference;

namespace Engine.Tensors.Tests;

/// <summary>Products with a right side of 16 bits have the bits that the same numbers in float32 give: every comparison is exact.</summary>
[Collection("Threads")]
public sealed class NarrowWeightTests : IDisposable
{
    // Ways through the kernels: one row, a few (in twos and threes), blocks; edges of tiles, vectors and chunks.
    static readonly int[] Rows = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 65], Depths = [1, 3, 8, 16, 31, 33, 257], Columns = [1, 2, 3, 5, 16, 17, 33, 130];

    static readonly DType[] Narrow = [DType.BFloat16, DType.Float16];

    readonly int threads = ThreadTeam.Threads;

    public void Dispose() => ThreadTeam.Threads = threads;

    // About the CPU's kernels.
    [Trait("Device", "Cpu")]
    [Fact]
    public void Products_equal_those_of_the_widened_matrix_in_every_size()
    {
        foreach (DType type in Narrow)
            foreach (int k in Depths)
                foreach (int n in Columns)
                {
                    Tensor plain = Random([k, n], DType.Float32, n).To(type), transposed = Random([n, k], DType.Float32, k).To(type).Transpose();
                    Tensor wide = plain.To(DType.Float32), wideTransposed = Widened(transposed);
                    foreach (int m in Rows)
                    {
                        Tensor a = Random([m, k], DType.Float32, m);
                        Same(Matrices.MatMul(a, wide), Matrices.MatMul(a, plain), $"{m} x {k} x {n}, {type}");
                        Same(Matrices.MatMul(a, wideTransposed), Matrices.MatMul(a, transposed), $"{m} x {k} x {n} transposed, {type}");
                    }
                }
    }

    [Fact]
    public void Large_products_equal_those_of_the_widened_matrix_on_any_number_of_threads()
    {
        foreach (DType type in Narrow)
            foreach ((int m, int k, int n) in ((int, int, int)[])[(1, 700, 3001), (2, 1030, 900), (8, 900, 900), (12, 700, 600), (33, 700, 601), (130, 520, 300)])
            {
                Tensor weight = Random([n, k], DType.Float32, 1).To(type), wide = weight.To(DType.Float32);
                Tensor x = Random([m, k], DType.Float32, 2), dy = Random([m, n], DType.Float32, 3), bias = Random([1, n], DType.Float32, 4).Squeeze(0);
                ThreadTeam.Threads = 1;
                Tensor y = Matrices.Linear(default(Gelu), x, wide, bias, out Tensor sums), dx = Matrices.LinearInputGradient(dy, wide);
                foreach (int team in (int[])[1, 2, 3])
                {
                    ThreadTeam.Threads = team;
                    Same(y, Matrices.Linear(default(Gelu), x, weight, bias, out Tensor narrowSums), $"{m} x {k} x {n} {type}, {team} threads");
                    Same(sums, narrowSums, $"sums of {m} x {k} x {n} {type}, {team} threads");
                    Same(dx, Matrices.LinearInputGradient(dy, weight), $"gradient of {m} x {k} x {n} {type}, {team} threads");
                }
            }
    }

    [Fact]
    public void Reads_matrices_and_writes_results_of_any_strides()
    {
        foreach (DType type in Narrow)
            foreach ((int m, int k, int n) in ((int, int, int)[])[(1, 19, 33), (2, 40, 21), (13, 5, 9), (37, 1, 1), (37, 23, 70)])
                foreach (Layout left in Enum.GetValues<Layout>())
                    foreach (Layout right in Enum.GetValues<Layout>())
                    {
                        Tensor a = Random([m, k], DType.Float32, 1, left), wide = Rounded(Random([k, n], DType.Float32, 2, right), type);
                        Tensor b = Laid([k, n], wide, type, right);
                        Layout result = (Layout)(((int)left + (int)right) % (int)Layout.SameRow);
                        Tensor expected = Random([m, n], DType.Float32, 3, result), y = Random([m, n], DType.Float32, 3, result);
                        bool accumulate = right == Layout.Inset;
                        Matrices.MatMulInto(a, wide, expected, accumulate);
                        Matrices.MatMulInto(a, b, y, accumulate);

                        // Odd strides take another way than dense ones, whose order of sums may differ: the reference has the same layout there.
                        AssertClose(Multiply(a, wide).Zip(accumulate ? Read(Random([m, n], DType.Float32, 3, result)) : new double[m * n], (p, q) => p + q).ToArray(), y, k, $"{m} x {k} x {n}, {left} times {right} into {result}");
                        if (right is Layout.Dense or Layout.Transposed or Layout.Inset) Same(expected, y, $"{m} x {k} x {n}, {left} times {right} into {result}");
                    }
    }

    [Fact]
    public void Batches_share_a_matrix_or_bring_their_own()
    {
        foreach (DType type in Narrow)
            foreach ((int[] left, int[] right) in ((int[], int[])[])[([3], []), ([2, 5], []), ([3], [3]), ([2, 1], [5]), ([], [4])])
            {
                Tensor a = Random([.. left, 9, 17], DType.Float32, 1), b = Random([.. right, 17, 21], DType.Float32, 2).To(type);
                Same(Matrices.MatMul(a, b.To(DType.Float32)), Matrices.MatMul(a, b), $"{a.Shape} times {b.Shape}");
            }
    }

    [Fact]
    public void Every_16_bit_number_is_widened_exactly_by_every_path()
    {
        // Times the unit matrix; infinity and NaN would spread over their row by 0 * x, so they get one of their own.
        ushort[] all = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i)];
        Tensor brain = Tensor.From(all, [256, 256]), half = Tensor.From(Array.ConvertAll(all, BitConverter.UInt16BitsToHalf), [256, 256]);
        foreach (Tensor table in (Tensor[])[brain, half])
        {
            float[] expected = [.. all.Select(bits => table == brain ? BitConverter.UInt32BitsToSingle((uint)bits << 16) : (float)BitConverter.UInt16BitsToHalf(bits))];
            float[] found = Indexing.Embedding(table, Tensor.From(Enumerable.Range(0, 256).ToArray(), [256])).ToArray<float>();
            Assert.Equal(expected, found);
            for (int row = 0; row < 256; row++)
            {
                float[] line = expected[(row * 256)..(row * 256 + 256)];
                Tensor one = Tensor.Ones([1, 1]), weights = table.Slice(0, row, row + 1);
                Assert.Equal(line, Matrices.MatMul(one, weights).ToArray<float>());                                       // along columns
                Assert.Equal(line, Matrices.Linear(one, weights.Transpose()).ToArray<float>());                           // dot products
                Tensor ones = Tensor.Ones([40, 1]);
                Assert.Equal(line, Matrices.MatMul(ones, weights).Select(0, 39).ToArray<float>());                        // packed
                Assert.Equal(line, Matrices.Linear(ones, weights.Transpose()).Select(0, 7).ToArray<float>());

                // In dot products one infinity or NaN makes the whole sum so.
                if (line.Any(x => !float.IsFinite(x))) Assert.False(float.IsFinite(Matrices.Linear(Tensor.Ones([1, 256]), weights).ToArray<float>()[0]));
            }
        }
    }

    [Fact]
    public void A_vector_of_16_bit_numbers_is_widened_as_single_ones_are()
    {
        // All 2^16 of them as weights [65536 / 64, 64] against a row that picks one column: dense dot products in vectors.
        ushort[] finite = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i).Where(bits => (bits & 0x7C00) != 0x7C00)];
        Tensor halves = Tensor.From(Array.ConvertAll(finite, BitConverter.UInt16BitsToHalf), [finite.Length / 64, 64]);
        for (int column = 0; column < 64; column++)
        {
            float[] pick = new float[64];
            pick[column] = 1;
            float[] found = Matrices.Linear(Tensor.From(pick, [1, 64]), halves).ToArray<float>();
            float[] packed = Matrices.Linear(Tensor.From(pick, [1, 64]).Expand([40, 64]), halves).Select(0, 3).ToArray<float>();
            for (int i = 0; i < found.Length; i++)
            {
                float expected = (float)BitConverter.UInt16BitsToHalf(finite[i * 64 + column]);
                Assert.Equal(expected, found[i]);
                Assert.Equal(expected, packed[i]);
            }
        }
    }

    [Fact]
    public void A_product_in_doubles_takes_16_bit_weights_too()
    {
        foreach (DType type in Narrow)
            foreach (int m in (int[])[1, 3, 30])
            {
                Tensor x = Random([m, 37], DType.Float64, 1), weight = Random([50, 37], DType.Float32, 2).To(type);
                Same(Matrices.Linear(x, weight.To(DType.Float64)), Matrices.Linear(x, weight), $"{m} rows, {type}");
            }
    }

    // About the CPU's kernels.
    [Trait("Device", "Cpu")]
    [Fact]
    public void Every_width_of_vectors_reads_16_bits()
    {
        foreach (DType type in Narrow)
            foreach (int m in (int[])[1, 2, 3, 20])
                foreach (bool transposed in (bool[])[false, true])
                {
                    Tensor a = Random([m, 45], DType.Float32, 1), b = transposed ? Random([70, 45], DType.Float32, 2).To(type).Transpose() : Random([45, 70], DType.Float32, 2).To(type);
                    Tensor wide = Widened(b);
                    Both<Lane512<float>>(a, b, wide);
                    Both<Lane256<float>>(a, b, wide);
                    Both<Lane128<float>>(a, b, wide);
                    Both<Scalar32>(a, b, wide);
                }

        static void Both<TLane>(Tensor a, Tensor b, Tensor wide) where TLane : struct, IVectorLane<TLane, float>
        {
            CpuBackend cpu = new();
            Tensor expected = Tensor.Empty([a.Shape[0], b.Shape[1]]), found = Tensor.Empty([a.Shape[0], b.Shape[1]]);
            cpu.MatMul<TLane, float, Identity>(default, a, wide, null, expected, null, false);
            cpu.MatMul<TLane, float, Identity>(default, a, b, null, found, null, false);
            Same(expected, found, $"{typeof(TLane).Name}, {a.Shape} times {b.Shape}");
        }
    }

    [Fact]
    public void Rows_of_a_16_bit_table_are_float32()
    {
        foreach (DType type in Narrow)
        {
            Tensor table = Random([30, 13], DType.Float32, 1).To(type), ids = Tensor.From([3, 29, 0, 3], [2, 2]);
            Tensor rows = Indexing.Embedding(table, ids);
            Assert.Equal(DType.Float32, rows.DType);
            Assert.Equal([2, 2, 13], rows.Shape);
            Same(Indexing.Embedding(table.To(DType.Float32), ids), rows, $"{type}");
        }
    }

    [Fact]
    public void Beside_a_float32_operand_only_the_right_side_may_be_narrow()
    {
        Tensor wide = Tensor.Ones([2, 3]), narrow = Tensor.Ones([3, 2], DType.BFloat16);
        Assert.Throws<ShapeException>(() => Matrices.MatMul(narrow, wide));
        Assert.Throws<ShapeException>(() => Matrices.MatMulInto(wide, narrow, Tensor.Empty([2, 2], DType.BFloat16)));
        Assert.Throws<ShapeException>(() => Matrices.LinearWeightGradient(narrow, Tensor.Ones([3, 2])));
        Assert.Throws<ShapeException>(() => Matrices.Linear(wide, Tensor.Ones([4, 3], DType.BFloat16), Tensor.Ones([4], DType.BFloat16)));
    }

    // The same strides as a 16-bit tensor has, in float32.
    static Tensor Widened(Tensor narrow) => narrow.Transpose().IsContiguous ? narrow.Transpose().To(DType.Float32).Transpose() : narrow.To(DType.Float32);

    // The values rounded to 16 bits, in place, so that the layout stays.
    static Tensor Rounded(Tensor x, DType type)
    {
        Tensor memory = new(x.Storage, x.DType, [(int)(x.Storage.Bytes / 4)], [1], 0);
        memory.CopyFrom(memory.To(type).To(DType.Float32));
        return x;
    }

    // The same tensor in 16 bits: the whole memory converted, the same view of it.
    static Tensor Laid(Shape shape, Tensor x, DType type, Layout layout)
    {
        Tensor memory = new Tensor(x.Storage, x.DType, [(int)(x.Storage.Bytes / 4)], [1], 0).To(type);
        Assert.Equal(shape, x.Shape);
        return new(memory.Storage, type, x.Shape, x.Strides.ToArray(), x.Offset);
    }

    static void Same(Tensor expected, Tensor found, string what)
    {
        Assert.Equal(expected.Shape, found.Shape);
        double[] left = expected.Doubles(), right = found.Doubles();
        for (int i = 0; i < left.Length; i++)
            if (!left[i].Equals(right[i])) Assert.Fail($"{what}: element {i} of {found.Shape} is {right[i]:R}, in float32 {left[i]:R}.");
    }
}
