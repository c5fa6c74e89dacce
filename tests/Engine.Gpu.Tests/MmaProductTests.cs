using System.Buffers.Binary;
using System.Reflection;
using Engine.Tensors;
using ILGPU;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;

namespace Engine.Gpu.Tests;

/// <summary>The tensor-core product without a card: its text as the loader hands it to the driver, and what that text computes when it is emulated.</summary>
public sealed class MmaProductTests
{
    public static TheoryData<DType, bool, bool> Variants() => new()
    {
        { DType.BFloat16, true, true },
        { DType.BFloat16, true, false },
        { DType.BFloat16, false, true },
        { DType.BFloat16, false, false },
        { DType.Float16, true, false },
        { DType.Float32, true, true },
    };

    [Theory, MemberData(nameof(Variants))]
    public void The_text_multiplies_fragments_and_keeps_everything_in_registers(DType type, bool leftAlongK, bool rightAlongK)
    {
        foreach (CudaArchitecture architecture in (CudaArchitecture[])[CudaArchitecture.SM_80, CudaArchitecture.SM_90])
        {
            string text = Compile(Kernel<Gelu>(type, leftAlongK, rightAlongK), architecture);
            string element = type switch { DType.BFloat16 => "bf16", DType.Float16 => "f16", _ => "tf32" };
            Assert.Contains($".row.col.f32.{element}.{element}.f32 ", text, StringComparison.Ordinal);
            Assert.Contains("cp.async.cg.shared.global", text, StringComparison.Ordinal);
            Assert.Contains(".shared .align 16 .b8 __dyn_shared_alloca", text, StringComparison.Ordinal);
            Assert.DoesNotContain(".local", text, StringComparison.Ordinal);
            Assert.DoesNotContain(".uni", text, StringComparison.Ordinal);
            Assert.DoesNotContain("call", text, StringComparison.Ordinal);
            Assert.DoesNotContain(".f64", text, StringComparison.Ordinal);
        }
    }

    [Theory, MemberData(nameof(Variants))]
    public void The_float32_product_of_other_cards_keeps_everything_in_registers(DType type, bool leftAlongK, bool rightAlongK)
    {
        if (type != DType.BFloat16) return;
        MethodInfo kernel = typeof(WideProduct).GetMethod(nameof(WideProduct.Run))!
            .MakeGenericMethod(typeof(Gelu), typeof(Single32), typeof(float), typeof(Scalar32), Layout(leftAlongK), Layout(rightAlongK));
        string text = Compile(kernel, CudaArchitecture.SM_90);
        Assert.Contains("ld.shared.v4.f32", text, StringComparison.Ordinal);
        Assert.Contains("ld.global.v4.f32", text, StringComparison.Ordinal);
        Assert.DoesNotContain(".local", text, StringComparison.Ordinal);
        Assert.DoesNotContain(".f64", text, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Variants))]
    public void The_emulated_text_computes_the_product(DType type, bool leftAlongK, bool rightAlongK)
    {
        Problem problem = new(type, M: 140, N: 72, K: 100, Products: leftAlongK == rightAlongK ? 1 : 2, leftAlongK, rightAlongK);
        problem.Run(Compile(Kernel<Relu>(type, leftAlongK, rightAlongK), CudaArchitecture.SM_80), pieces: 1);
        problem.CheckResults();
    }

    [Theory]
    [InlineData(DType.BFloat16, false, false)]
    [InlineData(DType.Float16, true, false)]
    public void The_emulated_text_stores_sums_of_16_bit_operands_in_float32(DType type, bool leftAlongK, bool rightAlongK)
    {
        Problem problem = new(type, M: 140, N: 72, K: 100, Products: 1, leftAlongK, rightAlongK, DType.Float32);
        problem.Run(Compile(Kernel<Relu>(type, leftAlongK, rightAlongK, DType.Float32), CudaArchitecture.SM_80), pieces: 1);
        problem.CheckResults();
    }

    [Fact]
    public void The_emulated_text_keeps_the_sums_of_pieces_of_K()
    {
        Problem problem = new(DType.BFloat16, M: 130, N: 40, K: 160, Products: 1, true, false);
        problem.Run(Compile(Kernel<Relu>(DType.BFloat16, true, false), CudaArchitecture.SM_80), pieces: 2);
        problem.CheckPieces();
    }

    static Type Layout(bool alongK) => alongK ? typeof(DenseAlongK) : typeof(DenseAcrossK);

    static MethodInfo Kernel<TActivation>(DType type, bool leftAlongK, bool rightAlongK, DType? result = null)
    {
        (Type element, Type word, Type mma) = type switch
        {
            DType.BFloat16 => (typeof(Brain16), typeof(ushort), typeof(BrainMma)),
            DType.Float16 => (typeof(Half16), typeof(ushort), typeof(HalfMma)),
            _ => (typeof(Single32), typeof(float), typeof(TensorFloatMma)),
        };
        if (result == DType.Float32) (element, word) = (typeof(Single32), typeof(float));
        return typeof(MmaProduct).GetMethod(nameof(MmaProduct.Run))!.MakeGenericMethod(typeof(TActivation), element, word, typeof(Scalar32), mma, Layout(leftAlongK), Layout(rightAlongK));
    }

    // One context a kernel: a failure of ILGPU's frontend would spoil those after it.
    static string Compile(MethodInfo kernel, CudaArchitecture architecture)
    {
        using Context context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2).EnableAlgorithms());
        using PTXBackend backend = new(context, architecture, CudaInstructionSet.ISA_84, null!);
        return ((PTXCompiledKernel)KernelLoader.Compile(backend, kernel)).PTXAssembly;
    }

    /// <summary>Small whole numbers, so that sums are exact in any order; matrices, results and their places in an emulated memory.</summary>
    sealed class Problem
    {
        const int Margin = 64;

        readonly DType type, resultType;
        readonly int m, n, k, products, bytes;
        readonly bool leftAlongK, rightAlongK;
        readonly float[] a, b, bias, before;
        readonly Dictionary<string, (int Start, int Count)> places = [];
        byte[] memory = [];
        int pieces, pieceLength;

        public Problem(DType type, int M, int N, int K, int Products, bool leftAlongK, bool rightAlongK, DType? resultType = null)
        {
            this.resultType = resultType ?? type;
            (this.type, m, n, k, products, bytes, this.leftAlongK, this.rightAlongK) = (type, M, N, K, Products, type.Size(), leftAlongK, rightAlongK);
            Random random = new(1);
            float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)random.Next(-3, 4))];
            (a, b, bias, before) = (Numbers(products * m * k), Numbers(products * n * k), Numbers(n), Numbers(products * m * n));
        }

        // A row's length in memory: a multiple of 16 bytes, and more than the matrix needs.
        int Pitch(int extent) => (extent + 15) / 8 * 8;

        public void Run(string text, int pieces)
        {
            this.pieces = pieces;
            pieceLength = (k / pieces + 31) & ~31;
            int leftRow = Pitch(leftAlongK ? k : m), rightRow = Pitch(rightAlongK ? k : n), leftLines = leftAlongK ? m : k, rightLines = rightAlongK ? n : k;
            Place("A", products * leftLines * leftRow, bytes);
            Place("B", products * rightLines * rightRow, bytes);
            Place("Bias", n, resultType.Size());
            Place("Linear", products * m * n, resultType.Size());
            Place("Y", products * m * n, resultType.Size());
            Place("Partial", pieces * products * m * n, sizeof(float));

            // Between the rows lies what must not be read: a NaN in every type.
            memory.AsSpan().Fill(0xFF);
            for (int product = 0; product < products; product++)
            {
                for (int i = 0; i < k; i++)
                {
                    for (int row = 0; row < m; row++)
                        Put("A", product * leftLines * leftRow + (leftAlongK ? row * leftRow + i : i * leftRow + row), a[(product * m + row) * k + i]);
                    for (int column = 0; column < n; column++)
                        Put("B", product * rightLines * rightRow + (rightAlongK ? column * rightRow + i : i * rightRow + column), b[(product * n + column) * k + i]);
                }
            }

            for (int i = 0; i < n; i++) Put("Bias", i, bias[i]);
            for (int i = 0; i < before.Length; i++) Put("Y", i, before[i]);
            MatrixPlaces results = new() { Row = n, Column = 1, Batch = new() { S0 = m * n } };
            ProductSizes sizes = new()
            {
                M = m,
                N = n,
                K = k,
                Batch = new() { Rank = 1, E0 = new(products) },
                Products = products,
                TilesDown = (m + MmaProduct.Tile - 1) / MmaProduct.Tile,
                TilesAcross = (n + MmaProduct.Tile - 1) / MmaProduct.Tile,
                Pieces = pieces,
                PieceLength = pieceLength,
            };
            MmaArguments<Relu, ushort, Scalar32> arguments = new()
            {
                A = PtxEmulator.GlobalBase + places["A"].Start,
                B = PtxEmulator.GlobalBase + places["B"].Start,
                APlaces = new() { Row = leftRow, Batch = new() { S0 = leftLines * leftRow } },
                BPlaces = new() { Row = rightRow, Batch = new() { S0 = rightLines * rightRow } },
                Sizes = sizes,
                Result = new() { LinearPlaces = results, YPlaces = results, BiasColumn = 1, HasBias = 1, HasLinear = 1, Accumulate = 1 },
            };
            MemoryStream parameters = new();
            Write(parameters, arguments, "");
            new PtxEmulator(new PtxProgram(text), parameters.ToArray(), memory).Run(sizes.TilesDown * sizes.TilesAcross * pieces * products, KernelLoader.GroupSize);
        }

        public void CheckResults()
        {
            float[] linear = new float[before.Length], y = new float[before.Length];
            for (int i = 0; i < linear.Length; i++)
            {
                linear[i] = Sum(i, 0, k) + bias[i % n];
                y[i] = before[i] + Math.Max(linear[i], 0);
            }

            Assert.Equal(Rounded(linear), Get("Linear", linear.Length));
            Assert.Equal(Rounded(y), Get("Y", y.Length));
        }

        public void CheckPieces()
        {
            float[] wanted = new float[pieces * before.Length], found = new float[wanted.Length];
            for (int i = 0; i < wanted.Length; i++)
            {
                int piece = i / before.Length;
                wanted[i] = Sum(i % before.Length, piece * pieceLength, Math.Min(k, (piece + 1) * pieceLength));
                found[i] = BinaryPrimitives.ReadSingleLittleEndian(memory.AsSpan(places["Partial"].Start + i * sizeof(float)));
            }

            Assert.Equal(wanted, found);
        }

        float Sum(int place, int first, int end)
        {
            int row = place / n, product = row / m, column = product * n + place % n;
            float sum = 0;
            for (int i = first; i < end; i++) sum += a[row * k + i] * b[column * k + i];
            return sum;
        }

        float[] Rounded(float[] values) => Tensor.From(values, [values.Length]).To(resultType).To(DType.Float32).ToArray<float>();

        void Place(string name, int count, int size)
        {
            int start = (memory.Length + Margin + 255) & ~255;
            places[name] = (start, count);
            Array.Resize(ref memory, start + count * size + Margin);
        }

        void Put(string name, int index, float value)
        {
            DType type = name is "A" or "B" ? this.type : resultType;
            Span<byte> to = memory.AsSpan(places[name].Start + index * type.Size());
            if (type == DType.Float32) BinaryPrimitives.WriteSingleLittleEndian(to, value);
            else BinaryPrimitives.WriteUInt16LittleEndian(to, type == DType.BFloat16 ? (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16) : BitConverter.HalfToUInt16Bits((System.Half)value));
        }

        float[] Get(string name, int count)
        {
            float[] values = new float[count];
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<byte> from = memory.AsSpan(places[name].Start + i * resultType.Size());
                if (resultType == DType.Float32) values[i] = BinaryPrimitives.ReadSingleLittleEndian(from);
                else if (resultType == DType.BFloat16) values[i] = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(from) << 16);
                else values[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(from);
            }

            return values;
        }

        // A struct as ILGPU passes it: fields in order at their natural alignment, a view as address and length, an empty struct as a byte.
        int Write(MemoryStream to, object value, string name)
        {
            if (value is uint unsigned) value = unchecked((int)unsigned);
            Type type = value.GetType();
            if (value is long or int)
            {
                Pad(to, value is long ? 8 : 4);
                to.Write(value is long number ? BitConverter.GetBytes(number) : BitConverter.GetBytes((int)value));
                return value is long ? 8 : 4;
            }

            if (type.Name.StartsWith("ArrayView", StringComparison.Ordinal))
            {
                Pad(to, 8);
                to.Write(BitConverter.GetBytes(PtxEmulator.GlobalBase + places[name].Start));
                to.Write(BitConverter.GetBytes((long)places[name].Count));
                return 8;
            }

            FieldInfo[] fields = type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
            if (fields.Length == 0)
            {
                to.WriteByte(0);
                return 1;
            }

            int alignment = Alignment(type);
            Pad(to, alignment);
            foreach (FieldInfo field in fields) Write(to, field.GetValue(value)!, field.Name);
            Pad(to, alignment);
            return alignment;
        }

        static int Alignment(Type type)
        {
            if (type == typeof(int) || type == typeof(uint)) return 4;
            if (type == typeof(long) || type.Name.StartsWith("ArrayView", StringComparison.Ordinal)) return 8;
            FieldInfo[] fields = type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
            return fields.Length == 0 ? 1 : fields.Max(field => Alignment(field.FieldType));
        }

        static void Pad(MemoryStream to, int alignment)
        {
            while (to.Length % alignment != 0) to.WriteByte(0);
        }
    }
}
