using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Attention's tensors laid out for its kernels, and which of these is taken.</summary>
readonly struct AttentionLaunch(GpuRuntime runtime, Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp)
    : IElementLaunch
{
    // So few queries leave most of a tile idle, and one group would walk through all keys.
    const int FewQueries = 4;

    public GpuRuntime Runtime => runtime;

    public Tensor Y => y;

    public Tensor LogSumExp => logSumExp;

    public int Batch => query.Shape[0];

    public int Heads => query.Shape[1];

    public int Groups => key.Shape[1];

    public int Queries => query.Shape[2];

    public int Keys => key.Shape[2];

    public int Width => query.Shape[3];

    public int ValueWidth => value.Shape[3];

    /// <summary>Whether all fits a <see cref="Tile32"/>.</summary>
    public bool IsSmall => Queries <= 32 && Keys <= 32;

    public void Run<TElement, TWord, TLane>()
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        if (Queries <= FewQueries && Keys > 32) Decode<TElement, TWord, TLane>();
        else if (query.DType == DType.Float64) Forward<Tile64Shallow, TElement, TWord, TLane>();
        else if (IsSmall) Forward<Tile32, TElement, TWord, TLane>();
        else if (ValueWidth > 64) Forward<Tile64Wide, TElement, TWord, TLane>();
        else Forward<Tile64, TElement, TWord, TLane>();
    }

    void Forward<TTile, TElement, TWord, TLane>()
        where TTile : struct, IAttentionTile
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int pairs = Batch * Heads, chunks = Tiles(ValueWidth, TTile.Side * TTile.Pieces);
        (ArrayView<TWord> to, HeadSteps steps) = Reach<TWord>(y);
        long groups = (long)Tiles(pairs, TTile.Blocks) * Tiles(Queries, TTile.Side) * chunks;
        runtime.Launch(AttentionForward.Run<TTile, TElement, TWord, TLane>, groups, new AttentionArguments<TWord, TLane>
        {
            Operands = Operands<TWord>(),
            Y = to,
            YSteps = steps,
            LogSumExp = Statistics<TLane>(logSumExp),
            Pairs = pairs,
            Chunks = chunks,
        });
    }

    void Decode<TElement, TWord, TLane>()
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int rows = Batch * Heads * Queries, splits = Tiles(Keys, AttentionDecode.PieceKeys);
        (ArrayView<TWord> to, HeadSteps steps) = Reach<TWord>(y);
        Tensor pieces = Tensor.Empty([rows, splits, 2 + ValueWidth], logSumExp.DType, logSumExp.Device);
        AttentionDecodeArguments<TWord, TLane> arguments = new()
        {
            Operands = Operands<TWord>(),
            Y = to,
            YSteps = steps,
            LogSumExp = Statistics<TLane>(logSumExp),
            Pieces = Statistics<TLane>(pieces),
            Splits = splits,
        };
        runtime.Launch(AttentionDecode.Piece<TElement, TWord, TLane>, (long)rows * splits, arguments);
        runtime.Launch(AttentionDecode.Combine<TElement, TWord, TLane>, rows, arguments);
        pieces.Release();
    }

    /// <summary>What all kernels read.</summary>
    public AttentionOperands<TWord> Operands<TWord>() where TWord : unmanaged
    {
        (ArrayView<TWord> q, HeadSteps querySteps) = Reach<TWord>(query);
        (ArrayView<TWord> k, HeadSteps keySteps) = Reach<TWord>(key);
        (ArrayView<TWord> v, HeadSteps valueSteps) = Reach<TWord>(value);
        AttentionOperands<TWord> operands = new()
        {
            Query = q,
            Key = k,
            Value = v,
            Added = q,                                       // a kernel's view must be of something
            Seen = GpuRuntime.Reach<byte>(query).View,
            QuerySteps = querySteps,
            KeySteps = keySteps,
            ValueSteps = valueSteps,
            MaskPeriod = 1,
            MaskKind = (int)AttentionMaskKind.None,
            Heads = Heads,
            HeadsPerGroup = Heads / Groups,
            Queries = Queries,
            Keys = Keys,
            Width = Width,
            ValueWidth = ValueWidth,
            Causal = options.Causal ? 1 : 0,
            Scale = options.Scale,
        };
        if (mask is null) return operands;
        operands.MaskPeriod = mask.Shape[0];
        operands.MaskKey = mask.Strides[3];
        if (mask.DType == DType.Bool)
        {
            operands.MaskKind = (int)AttentionMaskKind.Seen;
            (operands.Seen, operands.MaskSteps) = Reach<byte>(mask);
        }
        else
        {
            operands.MaskKind = (int)AttentionMaskKind.Added;
            (operands.Added, operands.MaskSteps) = Reach<TWord>(mask);
        }

        return operands;
    }

    /// <summary>A tensor [B, H, N, D] as rows of heads.</summary>
    public static (ArrayView<TWord> View, HeadSteps Steps) Reach<TWord>(Tensor x) where TWord : unmanaged
    {
        (ArrayView<TWord> view, int origin) = GpuRuntime.Reach<TWord>(x);
        return (view, new() { Origin = origin, Batch = x.Strides[0], Head = x.Strides[1], Row = x.Strides[2] });
    }

    /// <summary>Numbers that are kept in the type that is computed with.</summary>
    public static ArrayView<TLane> Statistics<TLane>(Tensor x) where TLane : unmanaged => GpuRuntime.View<TLane>(x);

    /// <summary>How many pieces of a size cover an extent.</summary>
    public static int Tiles(int extent, int size) => (extent + size - 1) / size;
}
