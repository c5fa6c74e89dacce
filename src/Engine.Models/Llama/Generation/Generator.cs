using Engine.Tensors;

namespace Engine.Models;

/// <summary>Continues texts with a LLaMA: one, token by token as they come, or many side by side.</summary>
/// <param name="model">The model, with whatever adapters it has.</param>
/// <param name="tokenizer">Its tokenizer; null for tokens alone.</param>
public sealed class Generator(Llama model, Tokenizer? tokenizer = null)
{
    // A long prompt is read in pieces: bounded memory, and an end that can be asked for.
    const int PromptPiece = 512;

    // Scores of tokens that the tokenizer cannot name: embeddings are often padded to a round number.
    readonly int nameable = Math.Min(model.Config.VocabularySize, tokenizer?.VocabularySize ?? int.MaxValue);

    /// <summary>The model.</summary>
    public Llama Model => model;

    /// <summary>The tokens of a prompt: the token that begins a text, where texts of this model have one, and the text's.</summary>
    /// <exception cref="InvalidOperationException">There is no tokenizer.</exception>
    public int[] Encode(string prompt)
    {
        Tokenizer named = tokenizer ?? throw new InvalidOperationException("Generator: a text needs a tokenizer; give it one, or tokens.");
        return [.. named.BeginId is { } begin ? [begin] : (int[])[], .. named.Encode(prompt)];
    }

    /// <summary>Continues a text; see <see cref="Stream(IReadOnlyList{int}, GenerationOptions, CancellationToken)"/>.</summary>
    /// <exception cref="ShapeException">The prompt is empty, or longer than the model's context.</exception>
    public IEnumerable<GeneratedToken> Stream(string prompt, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return Stream(prompt.Length == 0 ? [] : Encode(prompt), options, cancellation);
    }

    /// <summary>Continues some tokens; each of the answer comes as soon as it is there. Whoever has enough stops asking.</summary>
    /// <param name="prompt">The tokens, with the one that begins a text if the model wants it.</param>
    /// <param name="options">How; null for greedy.</param>
    /// <param name="cancellation">Ends the answer after the token under way.</param>
    /// <exception cref="ShapeException">The prompt is empty, longer than the model's context, or holds a token that is not in the vocabulary.</exception>
    public IEnumerable<GeneratedToken> Stream(IReadOnlyList<int> prompt, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        Answer[] answers = Begin([prompt], options ?? new());
        return Run(answers, cancellation).Select(at => at.Token);
    }

    /// <summary>Continues several texts; see <see cref="Complete(IReadOnlyList{IReadOnlyList{int}}, GenerationOptions, int, Action{int, Generation}, CancellationToken)"/>.</summary>
    /// <exception cref="ShapeException">A prompt is empty, or longer than the model's context.</exception>
    public IReadOnlyList<Generation> Complete(
        IReadOnlyList<string> prompts, GenerationOptions? options = null, int batch = 8, Action<int, Generation>? finished = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        return Complete([.. prompts.Select(prompt => (IReadOnlyList<int>)(prompt.Length == 0 ? [] : Encode(prompt)))], options, batch, finished, cancellation);
    }

    /// <summary>Continues several prompts, those of similar length side by side. Each answer is what it would be alone.</summary>
    /// <param name="prompts">Tokens, as in <see cref="Stream(IReadOnlyList{int}, GenerationOptions, CancellationToken)"/>.</param>
    /// <param name="options">How; null for greedy. Prompt i draws from stream <see cref="GenerationOptions.Stream"/> + i.</param>
    /// <param name="batch">How many side by side at most.</param>
    /// <param name="finished">Told of each answer, by the number of its prompt, as soon as it is whole.</param>
    /// <param name="cancellation">Ends all answers; those not begun are empty.</param>
    /// <returns>The answers in the order of the prompts.</returns>
    /// <exception cref="ShapeException">A prompt is empty, longer than the model's context, or holds a token that is not in the vocabulary.</exception>
    public IReadOnlyList<Generation> Complete(
        IReadOnlyList<IReadOnlyList<int>> prompts, GenerationOptions? options = null, int batch = 8, Action<int, Generation>? finished = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batch);
        Answer[] answers = Begin(prompts, options ?? new());
        foreach (Answer[] together in answers.OrderByDescending(answer => answer.Prompt.Length).Chunk(batch))
            foreach ((Answer answer, GeneratedToken token) in Run(together, cancellation))
                if (token.Finish is not null) finished?.Invoke(answer.Number, answer.Result);
        return [.. answers.Select(answer => answer.Result)];
    }

    Answer[] Begin(IReadOnlyList<IReadOnlyList<int>> prompts, GenerationOptions options)
    {
        options.Validated();
        if (tokenizer is null && options.Stop.Count > 0) throw new ArgumentException("Generator: stop texts need a tokenizer.", nameof(options));
        int[] ends = [.. options.EndIds ?? [.. model.Config.EndIds, .. tokenizer?.EndId is { } end ? [end] : (int[])[]]];
        Answer[] answers = new Answer[prompts.Count];
        for (int i = 0; i < answers.Length; i++)
        {
            int[] prompt = [.. prompts[i]];
            Check(prompt, answers.Length == 1 ? "the prompt" : $"prompt {i + 1}");
            answers[i] = new(i, prompt, options, ends, tokenizer is null ? null : new(tokenizer, prompt, options.Stop));
        }

        return answers;
    }

    void Check(int[] prompt, string which)
    {
        if (prompt.Length == 0) throw new ShapeException($"Generator: {which} is empty; give at least one token to continue.");
        if (prompt.Length > model.Config.MaximumLength)
            throw new ShapeException($"Generator: {which} has {prompt.Length} tokens, more than the model's context of {model.Config.MaximumLength}; shorten it.");
        foreach (int token in prompt)
            if (token < 0 || token >= model.Config.VocabularySize)
                throw new ShapeException($"Generator: {which} holds token {token}, the model's vocabulary is 0 to {model.Config.VocabularySize - 1}; the tokenizer is another model's.");
    }

    // Row i of cache, scores and next is the answer i of those that are not whole yet.
    IEnumerable<(Answer Answer, GeneratedToken Token)> Run(Answer[] answers, CancellationToken cancellation)
    {
        int longest = answers.Max(answer => answer.Prompt.Length), limit = answers.Max(answer => answer.Options.MaxNewTokens);
        int vocabulary = model.Config.VocabularySize, capacity = Math.Min(model.Config.MaximumLength, longest + Math.Min(limit, PromptPiece));
        using KeyValueCache cache = new(model.Config, answers.Length, capacity, model.Device);
        cache.Pad([.. answers.Select(answer => longest - answer.Prompt.Length)]);
        float[] scores = new float[answers.Length * vocabulary];
        bool isRead = Read(answers, longest, cache, scores, cancellation);
        int[] next = new int[answers.Length];
        while (true)
        {
            for (int row = 0; row < answers.Length; row++)
            {
                GeneratedToken token = cancellation.IsCancellationRequested || !isRead
                    ? answers[row].Cancel() : answers[row].Choose(scores.AsSpan(row * vocabulary, nameable), cache.LengthOf(row) == cache.MaximumLength);
                next[row] = token.Id;
                yield return (answers[row], token);
            }

            int[] unfinished = [.. Enumerable.Range(0, answers.Length).Where(row => answers[row].Finish is null)];
            if (unfinished.Length == 0) yield break;
            if (unfinished.Length < answers.Length)
            {
                cache.Keep(unfinished);
                (answers, next) = ([.. unfinished.Select(row => answers[row])], [.. unfinished.Select(row => next[row])]);
            }

            Step(next, cache, scores.AsSpan(0, next.Length * vocabulary));
        }
    }

    // Shorter prompts begin later; in front of them is padding, which nobody sees.
    bool Read(Answer[] answers, int length, KeyValueCache cache, float[] scores, CancellationToken cancellation)
    {
        int[] tokens = new int[answers.Length * length];
        for (int row = 0; row < answers.Length; row++) answers[row].Prompt.CopyTo(tokens, (row + 1) * length - answers[row].Prompt.Length);
        using StepScope temporaries = StepScope.Begin();
        Tensor all = Tensor.From(tokens, [answers.Length, length], model.Device);
        for (int start = 0; start < length; start += PromptPiece)
        {
            if (cancellation.IsCancellationRequested) return false;
            int end = Math.Min(start + PromptPiece, length);
            using StepScope piece = StepScope.Begin();
            Tensor tail = all.Slice(1, start, end);
            if (end < length) model.Continue(tail, cache);
            else model.Step(tail, cache).CopyTo<float>(scores);
        }

        return true;
    }

    void Step(int[] next, KeyValueCache cache, Span<float> scores)
    {
        using StepScope temporaries = StepScope.Begin();
        model.Step(Tensor.From(next, [next.Length, 1], model.Device), cache).CopyTo<float>(scores);
    }

    /// <summary>One answer under way.</summary>
    sealed class Answer(int number, int[] prompt, GenerationOptions options, int[] ends, TextStream? text)
    {
        readonly Philox random = new(options.Seed, options.Stream + (ulong)number);
        readonly HashSet<int> seen = [.. prompt];
        readonly List<int> tokens = [];
        readonly System.Text.StringBuilder shown = new();

        public int Number => number;

        public int[] Prompt => prompt;

        public GenerationOptions Options => options;

        public FinishReason? Finish { get; private set; }

        public Generation Result => new(tokens, shown.ToString(), Finish ?? FinishReason.Cancelled);

        public GeneratedToken Choose(Span<float> scores, bool isFull)
        {
            Sampling.Penalize(scores, seen, options.RepetitionPenalty);
            int token = Sampling.Draw(scores, options, Sampling.Uniform(random, tokens.Count));
            if (ends.Contains(token))
            {
                Finish = FinishReason.EndToken;
                return Shown(token, "");
            }

            tokens.Add(token);
            seen.Add(token);
            string piece = text?.Add(token) ?? "";
            if (text is { Stopped: true }) Finish = FinishReason.StopText;
            else if (tokens.Count == options.MaxNewTokens) Finish = FinishReason.TokenLimit;
            else if (isFull) Finish = FinishReason.ContextFull;
            return Shown(token, piece);
        }

        /// <summary>Ends the answer; the last token, which was shown already, comes once more with the text that was held back.</summary>
        public GeneratedToken Cancel()
        {
            Finish = FinishReason.Cancelled;
            return Shown(tokens.Count > 0 ? tokens[^1] : prompt[^1], "");
        }

        GeneratedToken Shown(int token, string piece)
        {
            if (Finish is not null and not FinishReason.StopText) piece += text?.Finish() ?? "";
            shown.Append(piece);
            return new(token, piece, Finish);
        }
    }
}
