using Engine.Tensors;

namespace Engine.Models;

/// <summary>The shape of a LLaMA. The defaults are LLaMA-7B (Touvron et al. 2023, table 2).</summary>
public sealed record LlamaConfig
{
    // Far beyond any model: a typing error in a file shall end in a message, not in an overflow or in all memory being asked for.
    const int MostWidth = 1 << 20, MostVocabulary = 1 << 24, MostLength = 1 << 24;

    /// <summary>V: how many tokens there are.</summary>
    public int VocabularySize { get; init; } = 32000;

    /// <summary>Width D of the sequence.</summary>
    public int Width { get; init; } = 4096;

    /// <summary>Hidden width of a block's MLP.</summary>
    public int MlpWidth { get; init; } = 11008;

    /// <summary>Number of blocks.</summary>
    public int Depth { get; init; } = 32;

    /// <summary>H: query heads of a block, a multiple of <see cref="KeyValueHeads"/>.</summary>
    public int Heads { get; init; } = 32;

    /// <summary>G: heads of keys and values; fewer than <see cref="Heads"/> for grouped queries (Ainslie et al. 2023).</summary>
    public int KeyValueHeads { get; init; } = 32;

    /// <summary>Width of a head, even; in most models Width / Heads.</summary>
    public int HeadSize { get; init; } = 128;

    /// <summary>The context: the longest sequence in tokens.</summary>
    public int MaximumLength { get; init; } = 2048;

    /// <summary>Added to the mean square in every norm.</summary>
    public float Epsilon { get; init; } = 1e-6f;

    /// <summary>The base theta of the rotary angles (Su et al. 2021): 10000, in LLaMA 3 500000.</summary>
    public double RotaryBase { get; init; } = 10000;

    /// <summary>How the angles are stretched for a longer context than the model began with; null for not at all.</summary>
    public RotaryScaling? RotaryScaling { get; init; }

    /// <summary>Whether the embedding is the head as well.</summary>
    public bool TiedEmbeddings { get; init; }

    /// <summary>Whether there is a head, its own or the embedding; a model without has states and names no tokens.</summary>
    public bool HasHead { get; init; } = true;

    /// <summary>Whether the four projections of attention have biases.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Whether the three projections of the MLP have biases.</summary>
    public bool MlpBias { get; init; }

    /// <summary>The token that begins a text; null for none.</summary>
    public int? BeginId { get; init; } = 1;

    /// <summary>The tokens that end a text; empty for none.</summary>
    public IReadOnlyList<int> EndIds { get; init; } = [2];

    /// <summary>LLaMA-7B (Touvron et al. 2023, table 2).</summary>
    public static LlamaConfig Size7B { get; } = new();

    /// <summary>LLaMA-13B (as above).</summary>
    public static LlamaConfig Size13B { get; } = new() { Width = 5120, MlpWidth = 13824, Depth = 40, Heads = 40, KeyValueHeads = 40 };

    /// <summary>The numbers in all parameters of such a model; nothing is built.</summary>
    public long ParameterCount
    {
        get
        {
            long width = Width, queries = (long)Heads * HeadSize, keys = (long)KeyValueHeads * HeadSize, mlp = MlpWidth;
            long attention = 2 * width * queries + 2 * width * keys + (AttentionBias ? queries + 2 * keys + width : 0);     // q, o; k, v
            long gated = 3 * width * mlp + (MlpBias ? 2 * mlp + width : 0);                                                 // gate, up, down
            return Depth * (attention + gated + 2 * width) + width + VocabularySize * width * (HasHead && !TiedEmbeddings ? 2 : 1);
        }
    }

    /// <summary>This configuration, if a model can be built of it.</summary>
    /// <exception cref="ArgumentException">It cannot; the message says why.</exception>
    public LlamaConfig Validated()
    {
        Require(VocabularySize > 0 && Width > 0 && MlpWidth > 0 && Depth > 0 && MaximumLength > 0,
            $"vocabulary ({VocabularySize}), width ({Width}), MLP width ({MlpWidth}), depth ({Depth}) and context ({MaximumLength}) must be positive");
        Require(Heads > 0 && KeyValueHeads > 0 && Heads % KeyValueHeads == 0, $"{Heads} heads are not a multiple of {KeyValueHeads} heads of keys and values");
        Require(HeadSize > 0 && HeadSize % 2 == 0, $"head size {HeadSize} is not a positive even number");
        Require(VocabularySize <= MostVocabulary && MaximumLength <= MostLength && Width <= MostWidth && MlpWidth <= MostWidth && Depth <= MostWidth
            && Heads <= MostWidth && HeadSize <= MostWidth && (long)Heads * HeadSize <= MostWidth, $"no model is of this size: {this}");
        Require(HasHead || !TiedEmbeddings, "embeddings that are tied to a head, and no head");
        Require(Epsilon > 0 && float.IsFinite(Epsilon), $"epsilon {Epsilon} is not a positive number");
        Require(RotaryBase > 0 && double.IsFinite(RotaryBase), $"rotary base {RotaryBase} is not a positive number");
        Require(RotaryScaling is not { Factor: <= 0 } && RotaryScaling is not { OriginalLength: <= 0 }, $"rotary scaling {RotaryScaling} is not positive");
        Require(BeginId is null || (BeginId >= 0 && BeginId < VocabularySize), $"begin token {BeginId} is not in the vocabulary of {VocabularySize}");
        foreach (int end in EndIds) Require(end >= 0 && end < VocabularySize, $"end token {end} is not in the vocabulary of {VocabularySize}");
        return this;
    }

    static void Require(bool condition, string problem)
    {
        if (!condition) throw new ArgumentException($"LlamaConfig: {problem}.");
    }
}
