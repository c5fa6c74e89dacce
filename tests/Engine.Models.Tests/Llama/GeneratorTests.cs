using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class GeneratorTests
{
    static readonly CharacterTokenizer Tokenizer = new();
    static readonly LlamaConfig Config = LlamaModels.Small with { VocabularySize = 259, EndIds = [] };
    static readonly GenerationOptions Unending = new() { EndIds = [] };

    public static TheoryData<string> Names => [.. LlamaModels.Names];

    [Theory, MemberData(nameof(Names))]
    public void Greedy_tokens_are_the_references(string name)
    {
        using Fixture f = Fixture.Open("models", name, Device.Default);
        int[] expected = f.Load("out.greedy").To(DType.Int32).ToArray<int>();
        int prompt = f.Config<int>("prompt_length");
        Generator generator = new(LlamaModels.Load(name));
        GeneratedToken[] tokens = [.. generator.Stream(expected[..prompt], Unending with { MaxNewTokens = expected.Length - prompt })];
        Assert.Equal(expected[prompt..], tokens.Select(token => token.Id));
        Assert.Equal(FinishReason.TokenLimit, tokens[^1].Finish);
        Assert.All(tokens[..^1], token => Assert.Null(token.Finish));
    }

    [Theory]
    [InlineData(0, 1.0)]
    [InlineData(0.9, 1.0)]
    [InlineData(0, 1.3)]
    public void Each_answer_of_many_is_what_it_would_be_alone(double temperature, double penalty)
    {
        Generator generator = new(new Llama(Config, seed: 4));
        GenerationOptions options = Unending with { Temperature = temperature, RepetitionPenalty = penalty, MaxNewTokens = 24, Seed = 9 };
        IReadOnlyList<int>[] prompts = [.. new[] { 5, 1, 17, 9, 2, 30, 12 }.Select((length, i) => (IReadOnlyList<int>)LlamaModels.Tokens(length, 259, (ulong)i))];
        List<int> finished = [];
        IReadOnlyList<Generation> together = generator.Complete(prompts, options, batch: 3, (number, _) => finished.Add(number));
        for (int i = 0; i < prompts.Length; i++)
            Assert.Equal(generator.Stream(prompts[i], options with { Stream = (ulong)i }).Select(token => token.Id), together[i].Tokens);
        Assert.Equal(Enumerable.Range(0, prompts.Length), finished.Order());
        Assert.NotEqual(together[0].Tokens, together[2].Tokens);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1.2)]
    public void Answers_that_end_at_different_places_are_what_they_would_be_alone(double temperature)
    {
        Generator generator = new(new Llama(Config, seed: 4));
        IReadOnlyList<int>[] prompts = [.. new[] { 5, 40, 17, 9, 2, 30, 12, 26 }.Select((length, i) => (IReadOnlyList<int>)LlamaModels.Tokens(length, 259, (ulong)i))];
        GenerationOptions options = Unending with { Temperature = temperature, MaxNewTokens = 30, Seed = 9 };
        // Tokens that come somewhere in the middle of some answers end them there.
        IReadOnlyList<Generation> whole = generator.Complete(prompts, options, batch: 1);
        options = options with { EndIds = [.. whole.Take(5).Select((answer, i) => answer.Tokens[3 + 5 * i])] };
        IReadOnlyList<Generation> alone = generator.Complete(prompts, options, batch: 1), together = generator.Complete(prompts, options, batch: 8);
        Assert.True(alone.Select(answer => answer.Tokens.Count).Distinct().Count() > 3, "all answers have one length");
        for (int i = 0; i < prompts.Length; i++)
        {
            Assert.Equal(alone[i].Tokens, together[i].Tokens);
            Assert.Equal(alone[i].Finish, together[i].Finish);
        }
    }

    [Fact]
    public void A_short_prompt_beside_a_long_one_has_its_whole_context()
    {
        Generator generator = new(new Llama(Config, seed: 4));
        IReadOnlyList<int>[] prompts = [LlamaModels.Tokens(90, 259, 1), LlamaModels.Tokens(10, 259, 2), LlamaModels.Tokens(60, 259, 3)];
        IReadOnlyList<Generation> together = generator.Complete(prompts, Unending with { MaxNewTokens = 500 });
        for (int i = 0; i < prompts.Length; i++)
        {
            Assert.Equal(generator.Stream(prompts[i], Unending with { MaxNewTokens = 500 }).Select(token => token.Id), together[i].Tokens);
            Assert.Equal((Config.MaximumLength - prompts[i].Count + 1, FinishReason.ContextFull), (together[i].Tokens.Count, together[i].Finish));
        }
    }

    [Fact]
    public void The_scores_behind_padding_are_those_without()
    {
        Llama model = new(Config, seed: 4);
        int[] shorter = LlamaModels.Tokens(7, 259, 1), longer = LlamaModels.Tokens(20, 259, 2);
        using KeyValueCache both = new(Config, batch: 2, capacity: 4), alone = new(Config);
        both.Pad(13, 0);
        Tensor together = model.Step(Tensor.From([.. new int[13], .. shorter, .. longer], [2, 20]), both);
        TensorAssert.Close(together.Slice(0, 0, 1), model.Step(Tensor.From(shorter, [1, 7]), alone), 1e-4, 1e-5, "prompt");
        for (int i = 0; i < 10; i++)
            TensorAssert.Close(model.Step(Tensor.From<int>([i, i + 1], [2, 1]), both).Slice(0, 0, 1), model.Step(Tensor.From<int>([i], [1, 1]), alone), 1e-4, 1e-5, $"token {i}");
    }

    [Fact]
    public void A_seed_gives_one_answer_and_another_seed_another()
    {
        Generator generator = new(new Llama(Config, seed: 4));
        GenerationOptions options = Unending with { Temperature = 1, MaxNewTokens = 20, Seed = 1 };
        int[] Answer(GenerationOptions options) => [.. generator.Stream([5, 6], options).Select(token => token.Id)];
        Assert.Equal(Answer(options), Answer(options));
        Assert.NotEqual(Answer(options), Answer(options with { Seed = 2 }));
        Assert.NotEqual(Answer(options), Answer(options with { Stream = 1 }));
    }

    [Fact]
    public void The_last_bits_do_not_depend_on_the_threads()
    {
        Llama model = new(Config, seed: 4);
        int threads = ThreadTeam.Threads;
        float[] Scores(int count)
        {
            ThreadTeam.Threads = count;
            using KeyValueCache cache = new(Config);
            model.Step(Tensor.From(LlamaModels.Tokens(40, 259), [1, 40]), cache);
            return model.Step(Tensor.From<int>([7], [1, 1]), cache).ToArray<float>();
        }

        try
        {
            Assert.Equal(Scores(1), Scores(2));
        }
        finally
        {
            ThreadTeam.Threads = threads;
        }
    }

    [Fact]
    public void An_end_token_ends_the_answer_and_is_not_part_of_it()
    {
        Generator generator = new(new Llama(Config, seed: 4), Tokenizer);
        int[] all = [.. generator.Stream([5, 6], Unending with { MaxNewTokens = 30 }).Select(token => token.Id)];
        int at = Array.FindIndex(all, 3, token => Array.IndexOf(all, token) >= 3), never = Enumerable.Range(0, 256).First(id => !all.Contains(id));
        GeneratedToken[] tokens = [.. generator.Stream([5, 6], Unending with { EndIds = [never, all[at]], MaxNewTokens = 30 })];
        Assert.Equal(all[..(at + 1)], tokens.Select(token => token.Id));
        Assert.Equal(FinishReason.EndToken, tokens[^1].Finish);
        Generation whole = Assert.Single(generator.Complete([(IReadOnlyList<int>)[5, 6]], Unending with { EndIds = [never, all[at]], MaxNewTokens = 30 }));
        Assert.Equal(all[..at], whole.Tokens);
        Assert.Equal(Tokenizer.Decode(all[..at]), whole.Text);
    }

    [Fact]
    public void A_stop_text_ends_the_answer()
    {
        Generator generator = new(new Llama(Config, seed: 11), Tokenizer);
        string all = Assert.Single(generator.Complete(["hello"], Unending with { MaxNewTokens = 40, Temperature = 1.5 })).Text;
        string stop = all.Substring(all.Length / 2, 2);
        Generation answer = Assert.Single(generator.Complete(["hello"], Unending with { MaxNewTokens = 40, Temperature = 1.5, Stop = [stop, "never seen"] }));
        Assert.Equal(all[..all.IndexOf(stop, StringComparison.Ordinal)], answer.Text);
        Assert.Equal(FinishReason.StopText, answer.Finish);
        string streamed = string.Concat(generator.Stream("hello", Unending with { MaxNewTokens = 40, Temperature = 1.5, Stop = [stop] }).Select(token => token.Text));
        Assert.Equal(answer.Text, streamed);
    }

    [Fact]
    public void A_full_context_ends_the_answer()
    {
        Generator generator = new(new Llama(Config, seed: 4));
        GeneratedToken[] tokens = [.. generator.Stream(LlamaModels.Tokens(90, 259), Unending with { MaxNewTokens = 500 })];
        Assert.Equal(Config.MaximumLength - 90 + 1, tokens.Length);
        Assert.Equal(FinishReason.ContextFull, tokens[^1].Finish);
        Assert.Single(generator.Stream(LlamaModels.Tokens(96, 259), Unending));
    }

    [Fact]
    public void A_cancelled_answer_keeps_what_came()
    {
        Generator generator = new(new Llama(Config, seed: 4), Tokenizer);
        using CancellationTokenSource source = new();
        List<GeneratedToken> tokens = [];
        foreach (GeneratedToken token in generator.Stream("hello", Unending with { MaxNewTokens = 50 }, source.Token))
        {
            tokens.Add(token);
            if (tokens.Count == 5) source.Cancel();
        }

        Assert.Equal(6, tokens.Count);
        Assert.Equal(FinishReason.Cancelled, tokens[^1].Finish);
        using CancellationTokenSource before = new();
        before.Cancel();
        Assert.Equal(FinishReason.Cancelled, Assert.Single(generator.Stream("hello", Unending, before.Token)).Finish);
    }

    [Fact]
    public void Only_tokens_that_the_tokenizer_can_name_are_given()
    {
        Generator generator = new(new Llama(Config with { VocabularySize = 400 }, seed: 4), Tokenizer);
        int[] tokens = [.. generator.Stream("x", Unending with { MaxNewTokens = 90, Temperature = 5 }).Select(token => token.Id)];
        Assert.All(tokens, token => Assert.InRange(token, 0, 258));
    }

    [Fact]
    public void Whoever_has_enough_stops_asking_and_the_memory_returns()
    {
        Generator generator = new(new Llama(Config, seed: 4));
        Assert.Equal(3, generator.Stream([5, 6], Unending).Take(3).Count());
    }

    [Fact]
    public void What_cannot_be_continued_is_refused()
    {
        Generator generator = new(new Llama(Config), Tokenizer);
        Refused<ShapeException>("the prompt is empty", () => generator.Stream(""));
        Refused<ShapeException>("prompt 2 is empty", () => generator.Complete(["a", ""]));
        Refused<ShapeException>("the prompt has 97 tokens, more than the model's context of 96", () => generator.Stream(new string('a', 96)));
        Refused<ShapeException>("the prompt holds token 259, the model's vocabulary is 0 to 258", () => generator.Stream([1, 259]));
        Refused<ShapeException>("holds token -1", () => generator.Stream([-1]));
        Refused<ArgumentException>("stop texts need a tokenizer", () => new Generator(generator.Model).Stream([1], new() { Stop = ["a"] }));
        Refused<ArgumentException>("temperature -1", () => generator.Stream("a", new() { Temperature = -1 }));
        Refused<ArgumentException>("top-p 0", () => generator.Stream("a", new() { TopP = 0 }));
        Refused<ArgumentException>("0 new tokens", () => generator.Stream("a", new() { MaxNewTokens = 0 }));
        Refused<ArgumentException>("empty stop text", () => generator.Stream("a", new() { Stop = [""] }));
        Refused<InvalidOperationException>("needs a tokenizer", () => new Generator(generator.Model).Stream("a"));
    }

    [Fact]
    public void A_folder_says_how_its_model_is_best_continued()
    {
        using SafeTensorsScratch scratch = new();
        Assert.Equal(new GenerationOptions(), GenerationOptions.Recommended(scratch.Folder));
        File.WriteAllText(scratch["generation_config.json"], """{"do_sample": true, "temperature": 0.6, "top_p": 0.9, "eos_token_id": [128001, 128009]}""");
        GenerationOptions read = GenerationOptions.Recommended(scratch.Folder);
        Assert.Equal((0.6, 0.9, 50), (Math.Round(read.Temperature, 6), Math.Round(read.TopP, 6), read.TopK));
        Assert.Equal([128001, 128009], read.EndIds);
        File.WriteAllText(scratch["generation_config.json"], """{"temperature": 0.6, "eos_token_id": 2}""");
        Assert.Equal((0.0, 1), (GenerationOptions.Recommended(scratch.Folder).Temperature, GenerationOptions.Recommended(scratch.Folder).EndIds!.Count));
        File.WriteAllText(scratch["generation_config.json"], """{"do_sample": true, "top_p": 2}""");
        Refused<CheckpointException>("generation_config.json: recommends what cannot be", () => GenerationOptions.Recommended(scratch.Folder));
    }

    static void Refused<TException>(string problem, Action action) where TException : Exception
    {
        string message = Assert.Throws<TException>(action).Message;
        Assert.Contains(problem, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }
}
