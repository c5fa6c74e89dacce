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
    public AnswerResult Score(IReadOnlyList<AnswerChoices> questions, CancellationToken cancellation = default, IProgress<TrainingProgress>? progress = null)
    {
        ProgressMeter meter = Begin(questions, progress);
        Stopwatch clock = Stopwatch.StartNew();
        int correct = 0, correctNormalized = 0, shortened = 0;
        double loss = 0;
        long tokens = 0;
        using KeyValueCache cache = new(model.Config, device: model.Device);
        for (int i = 0; i < questions.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            using StepScope scope = StepScope.Begin();
            cache.Truncate();
            AnswerChoices question = questions[i];
            (int[][] texts, int prompt) = Texts(question);
            shortened += Shorten(texts, prompt) ? 1 : 0;
            int shared = Shared(texts);
            double[] scores = Scores(texts, shared, cache);
            correct += Best(scores) == question.Correct ? 1 : 0;
            correctNormalized += Best([.. scores.Select((score, text) => score / (texts[text].Length - shared))]) == question.Correct ? 1 : 0;
            loss -= scores[question.Correct];
            tokens += texts[question.Correct].Length - shared;
            if (meter.Count(1) || i + 1 == questions.Count) meter.Report(i + 1, 1, loss / tokens, (double)correct / (i + 1), 0);
        }

        return new(questions.Count, correct, correctNormalized, Chance(questions), 0, shortened, loss, tokens, clock.Elapsed);
    }

    // Begin, prompt, answer, end of every candidate; and how many of those tokens are the prompt's.
    (int[][] Texts, int Prompt) Texts(AnswerChoices question)
    {
        int[][] texts = new int[question.Candidates.Count][];
        int prompt = int.MaxValue;
        string before = template.Of(question.Example);
        for (int i = 0; i < texts.Length; i++)
        {
            (texts[i], int own) = TextEncoder.Tokens(tokenizer, before, question.TextOf(i));
            prompt = Math.Min(prompt, own);
        }

        return (texts, prompt);
    }

    /// <summary>Lets the model write an answer, the likeliest token each time, and takes the first candidate in it.</summary>
    /// <param name="questions">The questions.</param>
    /// <param name="batch">How many are answered side by side.</param>
    /// <param name="cancellation">Stops between two questions.</param>
    /// <param name="progress">Hears what happens.</param>
    public AnswerResult Generate(IReadOnlyList<AnswerChoices> questions, int batch = 8, CancellationToken cancellation = default, IProgress<TrainingProgress>? progress = null)
    {
        ProgressMeter meter = Begin(questions, progress);
        Stopwatch clock = Stopwatch.StartNew();
        Generator generator = new(model, tokenizer);
        int shortened = 0, done = 0, correct = 0, unanswered = 0;
        IReadOnlyList<int>[] prompts = new IReadOnlyList<int>[questions.Count];
        for (int i = 0; i < prompts.Length; i++)
        {
            int[][] prompt = [generator.Encode(template.Of(questions[i].Example))];
            shortened += Shorten(prompt, prompt[0].Length, LongestAnswer) ? 1 : 0;
            prompts[i] = prompt[0];
        }

        generator.Complete(prompts, new GenerationOptions { MaxNewTokens = LongestAnswer }, batch, (number, answer) =>
        {
            int? chosen = questions[number].Find(answer.Text);
            unanswered += chosen is null ? 1 : 0;
            correct += chosen == questions[number].Correct ? 1 : 0;
            done++;
            if (meter.Count(1) || done == questions.Count) meter.Report(done, 1, double.NaN, (double)correct / done, 0);
        }, cancellation);
        cancellation.ThrowIfCancellationRequested();
        return new(questions.Count, correct, correct, Chance(questions), unanswered, shortened, double.NaN, 0, clock.Elapsed);
    }

    ProgressMeter Begin(IReadOnlyList<AnswerChoices> questions, IProgress<TrainingProgress>? progress)
    {
        ArgumentNullException.ThrowIfNull(questions);
        if (questions.Count == 0) throw new ArgumentException("There are no questions.", nameof(questions));
        model.Evaluate();
        return new("evaluating", questions.Count, 1, progress, "questions", "accuracy");
    }

    static double Chance(IReadOnlyList<AnswerChoices> questions) => questions.Sum(question => 1.0 / question.Candidates.Count);

    // log p of what differs between the candidates, each to its end.
    double[] Scores(int[][] texts, int shared, KeyValueCache cache)
    {
        using Tape.Pause pause = Tape.NoGradient();
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
    bool Shorten(int[][] texts, int prompt, int room = 0)
    {
        int tooMany = texts.Max(text => text.Length) + room - model.Config.MaximumLength;
        if (tooMany <= 0) return false;
        int keep = tokenizer.BeginId is null ? 0 : 1;
        tooMany = Math.Min(tooMany, prompt - keep - 1);
        for (int i = 0; i < texts.Length; i++) texts[i] = [.. texts[i].AsSpan(0, keep), .. texts[i].AsSpan(keep + tooMany)];
        return true;
    }

    Tensor Row(ReadOnlySpan<int> tokens) => Tensor.From(tokens, [1, tokens.Length], model.Device);

    static int Best(double[] scores) => Array.IndexOf(scores, scores.Max());
}
