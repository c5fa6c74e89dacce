namespace Engine.Tensors;

/// <summary>y = activation(a b + bias) [+ y] for one pair of matrices: sizes, pointers, and strides in elements.</summary>
unsafe struct GemmProblem<T> where T : unmanaged
{
    /// <summary>The sizes: a is M x K, b is K x N, y is M x N.</summary>
    public int M, N, K;

    /// <summary>The first element of each matrix. Where <see cref="BType"/> says so, B's elements have 16 bits.</summary>
    public T* A, B, Y;

    /// <summary>BFloat16 or Float16 where b is stored so and is to be widened on the way; anything else: b holds T.</summary>
    public DType BType;

    /// <summary>Distances between rows and between columns.</summary>
    public nint ARow, AColumn, BRow, BColumn, YRow, YColumn;

    /// <summary>N neighbours, or null.</summary>
    public T* Bias;

    /// <summary>Receives a b + bias, with its distances; null if nobody wants it.</summary>
    public T* Linear;

    /// <inheritdoc cref="Linear"/>
    public nint LinearRow, LinearColumn;

    /// <summary>Whether what y holds is added.</summary>
    public bool Accumulate;

    /// <summary>Multiply-adds, the measure of work.</summary>
    public readonly long Work => (long)M * N * K;

    /// <summary>Whether b is stored in 16 bits.</summary>
    public readonly bool IsNarrow => BType is DType.BFloat16 or DType.Float16;

    /// <summary>y^T = b^T a^T: the same products with rows and columns exchanged. The bias, which belongs to columns, is not. Not for a narrow b.</summary>
    public readonly GemmProblem<T> Transposed() => this with
    {
        M = N,
        N = M,
        A = B,
        ARow = BColumn,
        AColumn = BRow,
        B = A,
        BRow = AColumn,
        BColumn = ARow,
        YRow = YColumn,
        YColumn = YRow,
        LinearRow = LinearColumn,
        LinearColumn = LinearRow,
    };
}
