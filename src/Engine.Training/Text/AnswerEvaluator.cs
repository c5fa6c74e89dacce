using System.Diagnostics;
using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>Measures which of the given answers a language model holds for right.</summary>
/// <param name="model">The model; it is left in evaluation mode.</param>
/// <param name="tokenizer">Its tokenizer.</param>
/// <param name="template">The text before the answer.</param>
public sealed class AnswerEvaluator(Llama model, Tokenizer tokenizer, PromptTemplate template)
{
    // LLM-Adapters generates 32: "the correct answer is answer2" and its end are fewer in any tokenizer of words.
    const int LongestAnswer = 32;

    /// <summary>
    /// Chooses the answer whose text is the likeliest after the prompt, its end token included. What the candidates share is
    /// computed once and kept in the cache.
    /// </summary>
    /// <param name="questions">The questions.</param>
    /// <param name="cancellation">Stops between two questions.</param>
    /// <param name="progress">Hears what happens.</param>
    public AnswerResult Score(IReadOnlyList<AnswerChoices> questions, CancellationToken cancellation = default, IProgress<TrainingProgress>? progress = null) =>
        Run(questions, cancellation, progress, (question, cache, tally) =>
        {
            int[][] texts = new int[question.Candidates.Count][];
            int prompt = 0;
            for (int i = 0; i < texts.Length; i++) (texts[i], prompt) = TextEncoder.Tokens(tokenizer, template.Of(question.Example), question.TextOf(i));
            tally.Shortened += Shorten(texts, ref prompt) ? 1 : 0;
            double[] scores = Scores(texts, cache);
            int best = Best(scores), normalized = Best([.. scores.Select((score, i) => score / (texts[i].Length - Shared(texts)))]);
            tally.Correct += best == question.Correct ? 1 : 0;
            tally.Normalized += normalized == question.Correct ? 1 : 0;
            int right = question.Correct;
            tally.Loss -= scores[right];
            tally.Tokens += texts[right].Length - Shared(texts);
        });

    /// <summary>Lets the model write an answer, the likeliest token each time, and takes the first candidate in it.</summary>
    /// <inheritdoc cref="Score"/>
    public AnswerResult Generate(IReadOnlyList<AnswerChoices> questions, CancellationToken cancellation = default, IProgress<TrainingProgress>? progress = null)
    {
        AnswerResult result = Run(questions, cancellation, progress, (question, cache, tally) =>
        {
            int[] prompt = tokenizer.Encode(template.Of(question.Example));
            int[][] texts = [tokenizer.BeginId is { } begin ? [begin, .. prompt] : prompt];
            int length = texts[0].Length;
            tally.Shortened += Shorten(texts, ref length, LongestAnswer) ? 1 : 0;
            int? answer = question.Find(Write(texts[0], cache));
            tally.Unanswered += answer is null ? 1 : 0;
            tally.Correct += answer == question.Correct ? 1 : 0;
            tally.Normalized = tally.Correct;
        });
        return result with { LossSum = double.NaN };
    }

    sealed class Tally
    {
        public int Correct, Normalized, Unanswered, Shortened;
        public double Loss;
        public long Tokens;
    }

    AnswerResult Run(IReadOnlyList<AnswerChoices> questions, CancellationToken cancellation, IProgress<TrainingProgress>? progress, Action<AnswerChoices, KeyValueCache, Tally> answer)
    {
        ArgumentNullException.ThrowIfNull(questions);
        if (questions.Count == 0) throw new ArgumentException("There are no questions.", nameof(questions));
        Stopwatch clock = Stopwatch.StartNew();
        ProgressMeter meter = new("evaluating", questions.Count, 1, progress, "questions", "accuracy");
        Tally tally = new();
        using Tape.Pause pause = Tape.NoGradient();
        model.Evaluate();
        using KeyValueCache cache = new(model.Config, device: model.Device);
        for (int i = 0; i < questions.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            using StepScope scope = StepScope.Begin();
            cache.Truncate();
            answer(questions[i], cache, tally);
            if (meter.Count(1) || i + 1 == questions.Count) meter.Report(i + 1, 1, tally.Loss / Math.Max(tally.Tokens, 1), (double)tally.Correct / (i + 1), 0);
        }

        return new(questions.Count, tally.Correct, tally.Normalized, questions.Sum(question => 1.0 / question.Candidates.Count),
            tally.Unanswered, tally.Shortened, tally.Loss, tally.Tokens, clock.Elapsed);
    }

    // log p of what differs between the candidates, each to its end.
    double[] Scores(int[][] texts, KeyValueCache cache)
    {
        int shared = Shared(texts);
        Tensor last = model.Continue(Row(texts[0].AsSpan(0, shared)), cache).Slice(1, shared - 1, shared);      // [1, 1, D]
        double[] scores = new double[texts.Length];
        for (int i = 0; i < texts.Length; i++)
        {
            using StepScope scope = StepScope.Begin();
            int[] rest = texts[i][shared..];
            Tensor hidden = last;
            if (rest.Length > 1)
            {
                cache.Truncate(shared);
                hidden = Joining.Concatenate(1, last, model.Continue(Row(rest.AsSpan(0, rest.Length - 1)), cache));             // [1, R, D]
            }

            Variable logits = model.Logits(new Variable(hidden.Reshape(rest.Length, -1)));                      // [R, V]
            Tensor labels = Tensor.From<int>(rest, [rest.Length], model.Device);
            scores[i] = -Functions.CrossEntropy(logits, labels).Value.Item() * (double)rest.Length;
        }

        return scores;
    }

    // At least one token of each text is left to score, and one to score it from.
    static int Shared(int[][] texts)
    {
        int shared = texts.Min(text => text.Length) - 1;
        foreach (int[] text in texts) shared = Math.Min(shared, text.AsSpan().CommonPrefixLength(texts[0]));
        return Math.Max(shared, 1);
    }

    /// <summary>Where a text is longer than the context, leaves away the first tokens after the begin token: the end holds the question and the answers.</summary>
    bool Shorten(int[][] texts, ref int prompt, int room = 0)
    {
        int tooMany = texts.Max(text => text.Length) + room - model.Config.MaximumLength;
        if (tooMany <= 0) return false;
        int keep = tokenizer.BeginId is null ? 0 : 1;
        tooMany = Math.Min(tooMany, prompt - keep - 1);
        for (int i = 0; i < texts.Length; i++) texts[i] = [.. texts[i].AsSpan(0, keep), .. texts[i].AsSpan(keep + tooMany)];
        prompt -= tooMany;
        return true;
    }

    string Write(int[] prompt, KeyValueCache cache)
    {
        List<int> written = [];
        Tensor logits = model.Step(Row(prompt), cache);                                                         // [1, V]
        while (true)
        {
            int token = Reduction.ArgMax(logits, -1).ToArray<int>()[0];
            if (token == tokenizer.EndId || model.Config.EndIds.Contains(token)) break;
            written.Add(token);
            if (written.Count == LongestAnswer || cache.Length == cache.MaximumLength) break;
            logits = model.Step(Row([token]), cache);
        }

        return tokenizer.Decode(written);
    }

    Tensor Row(ReadOnlySpan<int> tokens) => Tensor.From(tokens, [1, tokens.Length], model.Device);

    static int Best(double[] scores) => Array.IndexOf(scores, scores.Max());
}
