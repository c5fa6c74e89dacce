using ILGPU;

namespace Engine.Gpu;

/// <summary>A tensor [B, H, N, D] with neighbours on the last axis, as rows of one head.</summary>
struct HeadSteps
{
    public int Origin, Batch, Head, Row;

    /// <summary>Where the first row of a head of a sequence begins.</summary>
    public static int At(HeadSteps steps, int batch, int head) => steps.Origin + batch * steps.Batch + head * steps.Head;
}

/// <summary>What is done to the scores.</summary>
enum AttentionMaskKind
{
    None,

    /// <summary>Numbers are added.</summary>
    Added,

    /// <summary>Bytes say who is seen.</summary>
    Seen,
}

/// <summary>What attention and its gradients read in common: operands, extents, options.</summary>
struct AttentionOperands<TWord> where TWord : unmanaged
{
    /// <summary>[B, H, N, D], [B, G, M, D], [B, G, M, Dv]</summary>
    public ArrayView<TWord> Query, Key, Value;

    /// <summary>The mask [P, H, N, M]; of the two views only the one that <see cref="MaskKind"/> names is read.</summary>
    public ArrayView<TWord> Added;
    public ArrayView<byte> Seen;
    public HeadSteps QuerySteps, KeySteps, ValueSteps, MaskSteps;
    public int MaskKey, MaskPeriod, MaskKind;
    public int Heads, HeadsPerGroup, Queries, Keys, Width, ValueWidth;

    /// <summary>1: query n sees the keys up to n + M - N.</summary>
    public int Causal;
    public float Scale;
}

/// <summary>Arguments of <see cref="AttentionForward"/>.</summary>
struct AttentionArguments<TWord, TLane>
    where TWord : unmanaged
    where TLane : unmanaged
{
    public AttentionOperands<TWord> Operands;

    /// <summary>[B, H, N, Dv]</summary>
    public ArrayView<TWord> Y;
    public HeadSteps YSteps;

    /// <summary>[B, H, N], in the type that is computed with.</summary>
    public ArrayView<TLane> LogSumExp;

    /// <summary>B * H; pieces of Dv.</summary>
    public int Pairs, Chunks;
}

/// <summary>Arguments of <see cref="AttentionBackward"/>; of the gradients only those that are wanted are written.</summary>
struct AttentionGradientArguments<TWord, TLane>
    where TWord : unmanaged
    where TLane : unmanaged
{
    public AttentionOperands<TWord> Operands;

    /// <summary>[B, H, N, Dv]</summary>
    public ArrayView<TWord> DY;
    public HeadSteps DYSteps;

    /// <summary>[B, H, N]: kept by the forward pass, and the sum of dy y over each row.</summary>
    public ArrayView<TLane> LogSumExp, Delta;

    /// <summary>The result of the kernel: dquery or dkey, or dmask, dense [B, H, N, M].</summary>
    public ArrayView<TWord> Target;
    public HeadSteps TargetSteps;

    /// <summary>The second result: dvalue.</summary>
    public ArrayView<TWord> DValue;
    public HeadSteps DValueSteps;
    public int WantsKey, WantsValue;

    /// <summary>Heads of all sequences (B * H, or B * G of keys and values); pieces of a row of the result.</summary>
    public int Pairs, Chunks;
}
