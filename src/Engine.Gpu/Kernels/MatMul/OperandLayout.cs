namespace Engine.Gpu;

/// <summary>The axis along which an operand of a product is dense, known when a kernel is compiled.</summary>
interface IOperandLayout
{
    /// <summary>Along K: a in rows, b in columns. Else along M or N.</summary>
    static abstract bool AlongK { get; }
}

/// <summary>Dense along K.</summary>
readonly struct DenseAlongK : IOperandLayout
{
    public static bool AlongK => true;
}

/// <summary>Dense along M (of a) or N (of b).</summary>
readonly struct DenseAcrossK : IOperandLayout
{
    public static bool AlongK => false;
}
