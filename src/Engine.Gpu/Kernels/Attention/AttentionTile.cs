using Engine.Tensors;

namespace Engine.Gpu;

/// <summary>
/// How attention is cut: a block of (Side / 4)^2 threads computes Side queries against Side keys, four of each a thread, and
/// a group of 256 threads holds as many blocks as fit, each with a head of its own. Constants to the kernel's compiler.
/// </summary>
interface IAttentionTile
{
    /// <summary>Queries and keys of a tile, and columns that a thread's 4 x 4 numbers of the result are of.</summary>
    static abstract int Side { get; }

    /// <summary>How many times Side columns of the result a block computes from one set of scores: 1 or 2.</summary>
    static abstract int Pieces { get; }

    /// <summary>Features that are in shared memory at a time, of queries and of keys.</summary>
    static abstract int Depth { get; }

    /// <summary>Threads of a block.</summary>
    static abstract int Threads { get; }

    /// <summary>Blocks of a group.</summary>
    static abstract int Blocks { get; }

    /// <summary>
    /// Quads from one row of shared memory to the next: one more than a row has, so that the elements of a column, which a
    /// transposing load writes, are in different banks.
    /// </summary>
    static abstract int Pitch { get; }
}

/// <summary>64 queries, 64 keys, one head a group: 35 KB of shared memory.</summary>
readonly struct Tile64 : IAttentionTile
{
    public static int Side => 64;
    public static int Pieces => 1;
    public static int Depth => 32;
    public static int Threads => 256;
    public static int Blocks => 1;
    public static int Pitch => 17;
}

/// <summary>The same with 128 columns of the result a group, for wide heads: 16 registers more, and half as many times the scores.</summary>
readonly struct Tile64Wide : IAttentionTile
{
    public static int Side => 64;
    public static int Pieces => 2;
    public static int Depth => 32;
    public static int Threads => 256;
    public static int Blocks => 1;
    public static int Pitch => 17;
}

/// <summary>The same as <see cref="Tile64"/> for 64-bit floats, whose scores alone take 34 KB of the 48 that every device has.</summary>
readonly struct Tile64Shallow : IAttentionTile
{
    public static int Side => 64;
    public static int Pieces => 1;
    public static int Depth => 8;
    public static int Threads => 256;
    public static int Blocks => 1;
    public static int Pitch => 17;
}

/// <summary>Up to 32 queries and keys, four heads a group: small windows.</summary>
readonly struct Tile32 : IAttentionTile
{
    public static int Side => 32;
    public static int Pieces => 1;
    public static int Depth => 16;
    public static int Threads => 64;
    public static int Blocks => 4;
    public static int Pitch => 9;
}

/// <summary>4 x 4 numbers of a product, in one thread's registers.</summary>
struct QuadRows<TLane> where TLane : unmanaged, ILane<TLane>
{
    public Quad<TLane> R0, R1, R2, R3;

    /// <summary>Adds the outer product of a column and a row.</summary>
    public static QuadRows<TLane> MulAdd(Quad<TLane> column, Quad<TLane> row, QuadRows<TLane> sum)
    {
        sum.R0 = Quad<TLane>.MulAdd(column.X, row, sum.R0);
        sum.R1 = Quad<TLane>.MulAdd(column.Y, row, sum.R1);
        sum.R2 = Quad<TLane>.MulAdd(column.Z, row, sum.R2);
        sum.R3 = Quad<TLane>.MulAdd(column.W, row, sum.R3);
        return sum;
    }

    /// <summary>All numbers times a factor.</summary>
    public static QuadRows<TLane> Scale(TLane factor, QuadRows<TLane> x) => ScaleRows(new(factor, factor, factor, factor), x);

    /// <summary>Row i times factor i.</summary>
    public static QuadRows<TLane> ScaleRows(Quad<TLane> factors, QuadRows<TLane> x)
    {
        x.R0 = Quad<TLane>.Multiply(factors.X, x.R0);
        x.R1 = Quad<TLane>.Multiply(factors.Y, x.R1);
        x.R2 = Quad<TLane>.Multiply(factors.Z, x.R2);
        x.R3 = Quad<TLane>.Multiply(factors.W, x.R3);
        return x;
    }
}
