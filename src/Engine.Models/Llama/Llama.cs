using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>
/// LLaMA (Touvron et al. 2023, "LLaMA: open and efficient foundation language models"): a decoder of pre-norm blocks with
/// rotary positions, grouped queries and gated MLPs that says of each place of a text which token comes next.
/// </summary>
/// <param name="at">The place: <see cref="ModuleScope.Root"/> for a model of its own.</param>
/// <param name="config">The shape.</param>
public sealed class Llama(ModuleScope at, LlamaConfig config) : Module(at)
{
    readonly Embedding embed = new(at / "embed", config.Validated().VocabularySize, config.Width);
    readonly LlamaBlock[] blocks = Stack(at / "layers", config);
    readonly RmsNorm norm = new(at / "norm", config.Width, config.Epsilon);
    readonly Linear? head = config.TiedEmbeddings || !config.HasHead ? null : new(at / "head", config.Width, config.VocabularySize, bias: false);
    readonly RotaryTables rotary = new(config);

    /// <summary>A new model with random weights.</summary>
    public Llama(LlamaConfig config, ulong seed = 0, Device? device = null) : this(ModuleScope.Root(seed, device), config)
    {
    }

    /// <summary>The shape.</summary>
    public LlamaConfig Config => config;

    /// <summary>What comes after each token.</summary>
    /// <param name="tokens">int32 or int64 [B, T]</param>
    /// <param name="mask">Broadcasts to [B, H, T, T], bool: who is seen, of those up to oneself; null for all.</param>
    /// <returns>Logits [B, T, V]</returns>
    /// <exception cref="ShapeException">There are none, more than the context, or some that are not in the vocabulary.</exception>
    public Variable Forward(Tensor tokens, Tensor? mask = null) => Logits(Hidden(tokens, mask));

    /// <summary>The states after the last norm; with <see cref="Logits"/> for the places that matter, <see cref="Forward"/> for less.</summary>
    /// <param name="tokens">int32 or int64 [B, T]</param>
    /// <param name="mask">As in <see cref="Forward"/>.</param>
    /// <returns>[B, T, D]</returns>
    /// <exception cref="ShapeException">As in <see cref="Forward"/>.</exception>
    public Variable Hidden(Tensor tokens, Tensor? mask = null)
    {
        Check(tokens);
        if (tokens.Shape[1] > config.MaximumLength)
            throw new ShapeException($"Llama: tokens are {tokens.Shape}, longer than the model's context of {config.MaximumLength}.");
        Variable x = embed.Forward(tokens);                                     // [B, T, D]
        return norm.Forward(Through(x, mask));                                  // [B, T, D]
    }

    /// <summary>States to tokens: the head alone.</summary>
    /// <param name="hidden">[..., D]</param>
    /// <returns>[..., V]</returns>
    /// <exception cref="InvalidOperationException">The model has no head.</exception>
    public Variable Logits(Variable hidden) => !config.HasHead ? throw new InvalidOperationException("Llama: the model has no head, which says what token comes next; Hidden gives its states.")
        : head is null ? embed.Scores(hidden) : head.Forward(hidden);

    /// <summary>What comes after the last of some tokens that continue what a cache holds. No gradient is recorded.</summary>
    /// <param name="tokens">int32 or int64 [B, T]: a prompt, or one token for each sequence.</param>
    /// <param name="cache">What came before; the tokens are added.</param>
    /// <returns>Logits [B, V]</returns>
    /// <exception cref="ShapeException">There are none, more than the context has room for, or some that are not in the vocabulary.</exception>
    public Tensor Step(Tensor tokens, KeyValueCache cache)
    {
        using Tape.Pause pause = Tape.NoGradient();
        using StepScope temporaries = StepScope.Begin();
        Tensor hidden = Continue(tokens, cache);
        return temporaries.Keep(Logits(hidden.Select(1, -1)).Value);
    }

    /// <summary>The states after the last norm of some tokens that continue what a cache holds. No gradient is recorded.</summary>
    /// <param name="tokens">As in <see cref="Step"/>.</param>
    /// <param name="cache">As in <see cref="Step"/>.</param>
    /// <returns>[B, T, D]</returns>
    /// <exception cref="ShapeException">As in <see cref="Step"/>.</exception>
    public Tensor Continue(Tensor tokens, KeyValueCache cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        Check(tokens);
        using Tape.Pause pause = Tape.NoGradient();
        using StepScope temporaries = StepScope.Begin();
        Tensor? mask = cache.Reserve(tokens.Shape[0], tokens.Shape[1]);
        Variable x = embed.Forward(tokens);                                     // [B, T, D]
        Tensor hidden = norm.Forward(Through(x, mask, cache)).Value;            // [B, T, D]
        cache.Advance(tokens.Shape[1]);
        return temporaries.Keep(hidden);
    }

    Variable Through(Variable x, Tensor? mask, KeyValueCache? past = null)
    {
        (Tensor cosine, Tensor sine) = rotary.Of(past?.Position ?? 0, x.Shape[1], x.Value);
        LlamaContext context = new(cosine, sine, mask, past);
        return Block.Through<LlamaBlock>(blocks, x, (block, x) => block.Forward(x, context));
    }

    static void Check(Tensor tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        if (tokens.Rank != 2 || tokens.ElementCount == 0)
            throw new ShapeException($"Llama: tokens are {tokens.Shape}, expected [B, T] with at least one token.");
    }

    static LlamaBlock[] Stack(ModuleScope at, LlamaConfig config)
    {
        LlamaBlock[] blocks = new LlamaBlock[config.Depth];
        for (int i = 0; i < blocks.Length; i++) blocks[i] = new(at / i, config, i);
        return blocks;
    }
}
