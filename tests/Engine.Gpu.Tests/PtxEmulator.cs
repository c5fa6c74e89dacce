using System.Buffers.Binary;

namespace Engine.Gpu.Tests;

/// <summary>
/// Runs a kernel's PTX text on the host, group after group: the integer and float instructions that ILGPU writes, and what the
/// tensor-core kernels bring as text (cp.async, ldmatrix, mma.sync) by the fragment layouts of the PTX ISA. Copies in the background
/// arrive when they are waited for and not before; memory out of bounds throws. Warps run in step at collective instructions.
/// </summary>
sealed class PtxEmulator(PtxProgram program, byte[] parameters, byte[] global)
{
    /// <summary>The address at which global memory starts.</summary>
    public const long GlobalBase = 0x10000000;

    const long SharedBase = 0x400;
    const int Lanes = 32;

    const int SharedBytes = 48 * 1024;

    readonly byte[] shared = new byte[SharedBytes];

    sealed class Thread(int number)
    {
        public int Number => number;
        public int Counter;
        public bool Done;
        public readonly Dictionary<string, ulong> Registers = [];
        public readonly Queue<List<(long Target, long Source, int Bytes)>> Groups = [];
        public List<(long Target, long Source, int Bytes)> Open = [];
    }

    public void Run(int groups, int threads)
    {
        for (int group = 0; group < groups; group++)
        {
            Array.Fill(shared, (byte)0x7F);
            Thread[] all = [.. Enumerable.Range(0, threads).Select(number => new Thread(number))];
            while (!Array.TrueForAll(all, thread => thread.Done))
            {
                for (int warp = 0; warp < threads; warp += Lanes) RunWarp(all[warp..(warp + Lanes)], group);
                if (Array.Exists(all, thread => thread.Done != all[0].Done || (!thread.Done && thread.Counter != all[0].Counter)))
                    throw new InvalidOperationException("Threads of a group wait at different barriers.");
                foreach (Thread thread in all) thread.Counter++;
            }
        }
    }

    // To the next barrier, or the end.
    void RunWarp(Thread[] warp, int group)
    {
        while (true)
        {
            foreach (Thread thread in warp)
                while (!thread.Done && !Stops(program.Instructions[thread.Counter])) Step(thread, group);
            if (Array.Exists(warp, thread => thread.Done != warp[0].Done || (!thread.Done && thread.Counter != warp[0].Counter)))
                throw new InvalidOperationException("Lanes of a warp come to different collective instructions.");
            if (warp[0].Done || program.Instructions[warp[0].Counter].Name[0] == "bar") return;
            PtxInstruction instruction = program.Instructions[warp[0].Counter];
            if (instruction.Name[0] == "ldmatrix") LoadMatrix(warp, instruction);
            else MultiplyFragments(warp, instruction);
            foreach (Thread thread in warp) thread.Counter++;
        }
    }

    static bool Stops(PtxInstruction instruction) => instruction.Name[0] is "bar" or "ldmatrix" or "mma";

    void Step(Thread thread, int group)
    {
        PtxInstruction i = program.Instructions[thread.Counter++];
        if (i.Guard is not null && (thread.Registers[i.Guard] != 0) == i.GuardIsNegated) return;
        string type = i.Name[^1];
        ulong Value(int operand) => Read(thread, i.Operands[operand], group);
        switch (i.Name[0])
        {
            case "ret": thread.Done = true; break;
            case "bra": thread.Counter = program.Target(i.Operands[0]); break;
            case "mov" or "cvta": Set(thread, i, type, Value(1)); break;
            case "cvt": Set(thread, i, i.Name[1], i.Name[1] == "rna" ? RoundTensorFloat(Value(1)) : (ulong)Signed(Value(1), type)); break;
            case "selp": Set(thread, i, type, Value(3) != 0 ? Value(1) : Value(2)); break;
            case "setp": Set(thread, i, "pred", Compare(i.Name[1], type, Value(1), Value(2)) ? 1UL : 0); break;
            case "neg": Set(thread, i, type, type == "f32" ? Bits(-Float(Value(1))) : (ulong)-Signed(Value(1), type)); break;
            case "ld": Load(thread, i, group); break;
            case "st": Store(thread, i, group); break;
            case "cp": Copy(thread, i, group); break;
            case "mul" when i.Name[1] == "wide": Set(thread, i, "b64", (ulong)(Signed(Value(1), type) * Signed(Value(2), type))); break;
            default: Set(thread, i, type, Arithmetic(i.Name[0], type, Value(1), Value(2))); break;
        }
    }

    static ulong Arithmetic(string name, string type, ulong a, ulong b)
    {
        if (type == "f32")
        {
            (float x, float y) = (Float(a), Float(b));
            return Bits(name switch { "add" => x + y, "sub" => x - y, "mul" => x * y, "max" => MathF.Max(x, y), _ => throw new NotSupportedException($"{name}.f32") });
        }

        (long p, long q) = (Signed(a, type), Signed(b, type));
        return (ulong)(name switch
        {
            "add" => p + q,
            "sub" => p - q,
            "mul" => p * q,
            "div" => p / q,
            "and" => p & q,
            "or" => p | q,
            "xor" => p ^ q,
            "shl" => p << (int)q,
            "shr" => p >> (int)q,
            _ => throw new NotSupportedException($"PTX: {name}.{type}"),
        });
    }

    static bool Compare(string name, string type, ulong a, ulong b)
    {
        if (type == "f32")
        {
            (float x, float y) = (Float(a), Float(b));
            return name switch { "lt" => x < y, "le" => x <= y, "gt" => x > y, "ge" => x >= y, "eq" => x == y, "ltu" => !(x >= y), "leu" => !(x > y), "gtu" => !(x <= y), _ => throw new NotSupportedException(name) };
        }

        (long p, long q) = (Signed(a, type), Signed(b, type));
        return name switch
        {
            "lt" or "lo" => p < q,
            "le" or "ls" => p <= q,
            "gt" or "hi" => p > q,
            "ge" or "hs" => p >= q,
            "eq" => p == q,
            "ne" => p != q,
            _ => throw new NotSupportedException(name),
        };
    }

    // The number that bits are in a type: signed for s, else as they are.
    static long Signed(ulong bits, string type) => type switch
    {
        "s64" or "u64" or "b64" => (long)bits,
        "s32" => (int)bits,
        "u32" or "b32" or "f32" => (uint)bits,
        "u16" or "b16" => (ushort)bits,
        "s16" => (short)bits,
        _ => throw new NotSupportedException($"PTX: type {type}"),
    };

    static float Float(ulong bits) => BitConverter.UInt32BitsToSingle((uint)bits);

    static ulong Bits(float value) => BitConverter.SingleToUInt32Bits(value);

    static ulong RoundTensorFloat(ulong bits) => ((uint)bits + 0x1000u) & 0xFFFFE000u;

    static ulong Read(Thread thread, string operand, int group)
    {
        if (thread.Registers.TryGetValue(operand, out ulong value)) return value;
        return operand switch
        {
            "%tid.x" => (ulong)thread.Number,
            "%ctaid.x" => (ulong)group,
            "__dyn_shared_alloca" => SharedBase,
            "%dynamic_smem_size" => SharedBytes,
            _ => PtxProgram.Constant(operand) ?? throw new InvalidOperationException($"PTX: {operand} is read before it is set."),
        };
    }

    static void Set(Thread thread, PtxInstruction i, string type, ulong value) => thread.Registers[i.Operands[0]] = type switch
    {
        "s64" or "u64" or "b64" or "pred" => value,
        "u16" or "s16" or "b16" or "b8" => (ushort)value,
        _ => (uint)value,
    };

    static long Address(Thread thread, string operand, int group)
    {
        string[] parts = operand.Trim('[', ']', ' ').Split('+');
        long offset = parts.Length > 1 ? (long)PtxProgram.Constant(parts[1].Trim())!.Value : 0;
        return (long)Read(thread, parts[0].Trim(), group) + offset;
    }

    Span<byte> Memory(string space, long address, int bytes) => space switch
    {
        "param" => parameters.AsSpan(checked((int)address), bytes),
        "shared" => shared.AsSpan(checked((int)(address - SharedBase)), bytes),
        _ => global.AsSpan(checked((int)(address - GlobalBase)), bytes),
    };

    static int Size(string type) => type switch { "b8" or "u8" => 1, "b16" or "u16" => 2, "b64" or "u64" => 8, _ => 4 };

    void Load(Thread thread, PtxInstruction i, int group)
    {
        string space = i.Name[1], type = i.Name[^1];
        long address = space == "param" ? (i.Operands[1].Contains('+', StringComparison.Ordinal) ? (long)PtxProgram.Constant(i.Operands[1].Trim('[', ']').Split('+')[1])!.Value : 0) : Address(thread, i.Operands[1], group);
        Set(thread, i, type, Get(Memory(space, address, Size(type))));
    }

    static ulong Get(ReadOnlySpan<byte> memory) => memory.Length switch
    {
        1 => memory[0],
        2 => BinaryPrimitives.ReadUInt16LittleEndian(memory),
        4 => BinaryPrimitives.ReadUInt32LittleEndian(memory),
        _ => BinaryPrimitives.ReadUInt64LittleEndian(memory),
    };

    void Store(Thread thread, PtxInstruction i, int group)
    {
        string[] names = i.Operands[1].Trim('{', '}').Split(',');
        int size = Size(i.Name[^1]);
        long address = Address(thread, i.Operands[0], group);
        if (address % (size * names.Length) != 0) throw new InvalidOperationException($"PTX: {address:X} is not aligned.");
        for (int part = 0; part < names.Length; part++)
        {
            Span<byte> memory = Memory(i.Name[1], address + part * size, size);
            ulong value = Read(thread, names[part].Trim(), group);
            if (size == 2) BinaryPrimitives.WriteUInt16LittleEndian(memory, (ushort)value);
            else BinaryPrimitives.WriteUInt32LittleEndian(memory, (uint)value);
        }
    }

    void Copy(Thread thread, PtxInstruction i, int group)
    {
        switch (i.Name[2])
        {
            case "commit_group":
                thread.Groups.Enqueue(thread.Open);
                thread.Open = [];
                break;
            case "wait_group":
                while (thread.Groups.Count > (int)PtxProgram.Constant(i.Operands[0])!.Value) Arrive(thread.Groups.Dequeue());
                break;
            default:
                long target = Address(thread, i.Operands[0], group), source = Address(thread, i.Operands[1], group);
                if (target % 16 != 0 || source % 16 != 0) throw new InvalidOperationException($"PTX: a copy of 16 bytes from {source:X} to {target:X} is not aligned.");
                thread.Open.Add((target, source, (int)Read(thread, i.Operands[3], group)));
                break;
        }
    }

    void Arrive(List<(long Target, long Source, int Bytes)> copies)
    {
        foreach ((long target, long source, int bytes) in copies)
        {
            Span<byte> to = Memory("shared", target, 16);
            to.Clear();
            if (bytes > 0) Memory("global", source, bytes).CopyTo(to);
        }
    }

    // Matrix j has its rows' addresses in lanes 8 j to 8 j + 7; lane l gets row l / 4, two elements from 2 (l % 4) on, or of the transpose.
    void LoadMatrix(Thread[] warp, PtxInstruction i)
    {
        bool turned = i.Name.Contains("trans");
        string[] targets = i.Operands[0].Trim('{', '}').Split(',');
        long[] rows = Array.ConvertAll(warp, thread => Address(thread, i.Operands[1], 0));
        ulong Element(int matrix, int row, int column) => Get(Memory("shared", rows[8 * matrix + row] + 2 * column, 2));
        foreach (Thread thread in warp)
        {
            int lane = thread.Number % Lanes, row = lane / 4, column = 2 * (lane % 4);
            for (int matrix = 0; matrix < targets.Length; matrix++)
            {
                ulong low = turned ? Element(matrix, column, row) : Element(matrix, row, column), high = turned ? Element(matrix, column + 1, row) : Element(matrix, row, column + 1);
                thread.Registers[targets[matrix].Trim()] = low | (high << 16);
            }
        }
    }

    // PTX ISA, matrix fragments for mma.m16n8k16 (16-bit) and mma.m16n8k8 (TF32): lane l holds rows l / 4 and l / 4 + 8 of a, column l / 4 of b.
    static void MultiplyFragments(Thread[] warp, PtxInstruction i)
    {
        string type = i.Name[^2];
        int depth = type == "tf32" ? 8 : 16, perRegister = depth / 8;
        string[][] operands = Array.ConvertAll(i.Operands, operand => Array.ConvertAll(operand.Trim('{', '}').Split(','), name => name.Trim()));
        float[,] a = new float[16, depth], b = new float[depth, 8];
        foreach (Thread thread in warp)
        {
            int row = thread.Number % Lanes / 4, first = thread.Number % 4 * perRegister;
            for (int part = 0; part < perRegister; part++)
            {
                for (int register = 0; register < 4; register++)
                    a[row + register % 2 * 8, first + part + register / 2 * (depth / 2)] = Part(thread.Registers[operands[1][register]], part, type);
                for (int register = 0; register < 2; register++) b[first + part + register * (depth / 2), row] = Part(thread.Registers[operands[2][register]], part, type);
            }
        }

        foreach (Thread thread in warp)
        {
            int row = thread.Number % Lanes / 4, column = thread.Number % 4 * 2;
            for (int register = 0; register < 4; register++)
            {
                float sum = Float(thread.Registers[operands[3][register]]);
                for (int k = 0; k < depth; k++) sum += a[row + register / 2 * 8, k] * b[k, column + register % 2];
                thread.Registers[operands[0][register]] = Bits(sum);
            }
        }
    }

    static float Part(ulong register, int part, string type) => type switch
    {
        "tf32" => Float(register & 0xFFFFE000u),
        "bf16" => Float((register >> (16 * part) & 0xFFFF) << 16),
        _ => (float)BitConverter.UInt16BitsToHalf((ushort)(register >> (16 * part))),
    };
}
