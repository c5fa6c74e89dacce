using Engine.Models;
using Engine.Tensors;

namespace Engine.Training.Tests;

/// <summary>Questions with given answers: finding them, scoring them, and learning them.</summary>
public sealed class AnswerTests
{
    static readonly Tokenizer Bytes = ByteTokenizer.Create();
    static readonly PromptTemplate Short = new("{instruction} {input}>", "{instruction}>");

    static LlamaConfig Tiny { get; } = new()
    {
        VocabularySize = ByteTokenizer.VocabularySize,
        Width = 32,
        MlpWidth = 64,
        Depth = 2,
        Heads = 4,
        KeyValueHeads = 2,
        HeadSize = 8,
        MaximumLength = 96,
        TiedEmbeddings = true,
        BeginId = ByteTokenizer.BeginId,
        EndIds = [ByteTokenizer.EndId],
    };

    static AnswerChoices Choices(string instruction, string answer) => AnswerChoices.Of(new(instruction, "", $"the correct answer is {answer}", answer), "data.json", 1);

    [Theory]
    [InlineData("Is it so?\n\nAnswer format: true/false", "true/false", "false")]
    [InlineData("Which? Answer1: a Answer2: b Answer3: c\n\nAnswer format: answer1/answer2/answer3", "answer1/answer2/answer3", "answer2")]
    [InlineData("Fill in. Option1: a Option2: b Answer format: option1/option2", "option1/option2", "option1")]
    [InlineData("How does it end? Ending1: a Ending2: b Ending3: c Ending4: d", "ending1/ending2/ending3/ending4", "ending4")]
    [InlineData("Which solution?\nSolution1: a\nSolution2: b", "solution1/solution2", "solution2")]
    [InlineData("Please answer with true or false: is it?", "true/false", "true")]
    public void Candidates_are_found_in_the_instruction(string instruction, string candidates, string answer)
    {
        AnswerChoices choices = Choices(instruction, answer);
        Assert.Equal(candidates.Split('/'), choices.Candidates);
        Assert.Equal(answer, choices.Candidates[choices.Correct]);
        Assert.Equal($"the correct answer is {choices.Candidates[0]}", choices.TextOf(0));
    }

    [Fact]
    public void A_missing_or_foreign_answer_is_refused_by_entry()
    {
        Assert.Contains("entry 1: the answer \"answer4\" is none of answer1/answer2", Fault("Answer format: answer1/answer2", "answer4"));
        Assert.Contains("no answers to choose from", Fault("What is it?", "answer1"));

        static string Fault(string instruction, string answer) => Assert.Throws<DatasetException>(() => Choices(instruction, answer)).Message;
    }

    [Fact]
    public void The_first_candidate_in_a_generated_text_counts()
    {
        AnswerChoices choices = Choices("Answer format: answer1/answer2/answer3", "answer2");
        Assert.Equal(2, choices.Find("it is answer3, not answer1"));
        Assert.Null(choices.Find("I cannot say"));
    }

    [Fact]
    public void The_interval_is_wilson_s()
    {
        AnswerResult result = new(10, 8, 7, 2.5, 0, 0, 5, 10, TimeSpan.Zero);
        Assert.Equal((0.4902, 0.9433), (Math.Round(result.Interval.Low, 4), Math.Round(result.Interval.High, 4)));
        Assert.Equal((0.8, 0.7, 0.25), (result.Accuracy, result.AccuracyNormalized, result.Chance));
        Assert.Equal(Math.Exp(0.5), result.Perplexity, 12);
        Assert.Equal((20, 16), ((result + result).Questions, (result + result).Correct));
        AnswerResult none = result with { Correct = 0 };
        Assert.Equal(0, none.Interval.Low, 12);
        Assert.True(none.Interval.High is > 0.2 and < 0.35);
    }

    static AnswerChoices[] Questions() =>
        [.. Enumerable.Range(0, 12).Select(i => Choices($"Q{i} {new string('x', i)} Answer format: answer1/answer2/answer3", $"answer{1 + i * i % 3}"))];

    [Fact]
    public void Scores_with_the_cache_are_those_of_whole_sequences()
    {
        Llama model = new(Tiny, seed: 4);
        AnswerChoices[] questions = Questions();
        AnswerResult result = new AnswerEvaluator(model, Bytes, Short).Score(questions);
        int correct = 0;
        double loss = 0;
        long tokens = 0;
        foreach (AnswerChoices question in questions)
        {
            string prompt = Short.Of(question.Example);
            double[] scores = [.. question.Candidates.Select((_, i) => Score(prompt, question.TextOf(i)))];
            correct += Array.IndexOf(scores, scores.Max()) == question.Correct ? 1 : 0;
            loss -= scores[question.Correct];
            tokens += 2;                                        // the digit and the end; the rest is the same for all
        }

        Assert.Equal((correct, tokens), (result.Correct, result.Tokens));
        Assert.Equal(loss, result.LossSum, 1e-3);
        Assert.Equal(1 / 3.0, result.Chance, 12);

        double Score(string prompt, string answer)
        {
            int[] whole = [256, .. Bytes.Encode(prompt + answer), 257];
            float[] logits = model.Forward(Tensor.From<int>(whole, [1, whole.Length])).Value.ToArray<float>();
            double sum = 0;
            for (int at = whole.Length - 2; at < whole.Length; at++)
            {
                ReadOnlySpan<float> row = logits.AsSpan((at - 1) * 258, 258);
                double total = 0;
                foreach (float logit in row) total += Math.Exp(logit);
                sum += row[whole[at]] - Math.Log(total);
            }

            return sum;
        }
    }

    [Fact]
    public void A_question_longer_than_the_context_keeps_its_end()
    {
        Llama model = new(Tiny, seed: 4);
        AnswerChoices[] questions = [Choices($"{new string('x', 300)} Answer format: answer1/answer2", "answer1"), .. Questions().Take(1)];
        AnswerEvaluator evaluator = new(model, Bytes, Short);
        Assert.Equal(1, evaluator.Score(questions).Shortened);
        Assert.Equal(1, evaluator.Generate(questions, 2).Shortened);
    }

    [Fact, Trait("Speed", "Slow")]
    public void A_small_model_learns_the_answers_by_heart_and_scores_and_writes_them()
    {
        Llama model = new(Tiny, seed: 4);
        AnswerChoices[] questions = Questions();
        InstructionExample[] examples = [.. questions.Select(question => question.Example)];
        IReadOnlyList<TokenExample> texts = TextEncoder.Encode(Bytes, examples, new() { Template = Short, Cutoff = 96 }, "data.json").Examples;
        AnswerEvaluator evaluator = new(model, Bytes, Short);
        AnswerResult before = evaluator.Score(questions);
        TextTask task = new(model, new(texts, new() { BatchSize = 6, Shuffle = true, Seed = 1 }), new(texts, new() { BatchSize = 6 }));
        Trainer trainer = new(task, new() { Optimizer = OptimizerKind.AdamW, LearningRate = 5e-3, Epochs = 150 });
        trainer.Fit();
        TextResult measured = (TextResult)task.Validate(default)!;
        AnswerResult scored = evaluator.Score(questions), written = evaluator.Generate(questions, 5);
        Assert.True(measured.Perplexity < 1.2 && measured.Accuracy > 0.97, measured.Summary);
        Assert.True(scored.Perplexity < before.Perplexity / 10);
        Assert.Equal((12, 12, 0), (scored.Correct, written.Correct, written.Unanswered));
    }
}
