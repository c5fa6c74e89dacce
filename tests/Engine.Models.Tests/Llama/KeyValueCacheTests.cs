using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class KeyValueCacheTests
{
    static readonly LlamaConfig Config = LlamaModels.Small;

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(40)]
    public void Pieces_of_any_length_give_the_whole_sequences_states(int piece)
    {
        Llama model = new(Config, seed: 3);
        Tensor tokens = Tensor.From(LlamaModels.Tokens(80, 50), [2, 40]);
        Tensor whole = model.Hidden(tokens).Value;
        using KeyValueCache cache = new(Config, batch: 2, capacity: 3);
        for (int start = 0; start < 40; start += piece)
        {
            int end = Math.Min(start + piece, 40);
            TensorAssert.Close(model.Continue(tokens.Slice(1, start, end), cache), whole.Slice(1, start, end), 1e-4, 1e-5, $"tokens {start} to {end}");
        }

        Assert.Equal(40, cache.Length);
        Assert.InRange(cache.Capacity, 40, Config.MaximumLength);
    }

    [Fact]
    public void A_beginning_that_is_shared_is_read_once()
    {
        Llama model = new(Config, seed: 3);
        int[] beginning = LlamaModels.Tokens(10, 50);
        using KeyValueCache cache = new(Config), fresh = new(Config);
        model.Step(Tensor.From(beginning, [1, 10]), cache);
        model.Step(Tensor.From<int>([4, 5, 6], [1, 3]), cache);
        cache.Truncate(10);
        TensorAssert.Close(model.Step(Tensor.From<int>([9], [1, 1]), cache), model.Step(Tensor.From([.. beginning, 9], [1, 11]), fresh), 1e-4, 1e-5, "another end");
        cache.Truncate();
        Assert.Equal(0, cache.Length);
    }

    [Fact]
    public void It_grows_to_the_context_and_refuses_more()
    {
        Llama model = new(Config, seed: 3);
        using KeyValueCache cache = new(Config, capacity: 5);
        model.Step(Tensor.From(LlamaModels.Tokens(90, 50), [1, 90]), cache);
        model.Step(Tensor.From(LlamaModels.Tokens(6, 50), [1, 6]), cache);
        Assert.Equal((96, 96), (cache.Length, cache.Capacity));
        Refused("96 tokens so far and 1 more are longer than the model's context of 96", () => model.Step(Tensor.Zeros([1, 1], DType.Int32), cache));
        Refused("tokens of 2 sequences are given, the cache holds 1", () => model.Step(Tensor.Zeros([2, 1], DType.Int32), cache));
        Assert.Equal(96, cache.Length);
    }

    // A GPU notices the wrong token after the step.
    [Trait("Device", "Cpu")]
    [Fact]
    public void A_step_that_fails_leaves_the_cache_as_it_was()
    {
        Llama model = new(Config, seed: 3);
        using KeyValueCache cache = new(Config), fresh = new(Config);
        model.Step(Tensor.From<int>([1, 2], [1, 2]), cache);
        Refused("50", () => model.Step(Tensor.From<int>([50], [1, 1]), cache));
        TensorAssert.SameBits(model.Step(Tensor.From<int>([3], [1, 1]), cache), Continued(), "after the failure");

        Tensor Continued()
        {
            model.Step(Tensor.From<int>([1, 2], [1, 2]), fresh);
            return model.Step(Tensor.From<int>([3], [1, 1]), fresh);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(1)]
    [InlineData(2, 0)]
    [InlineData(0, 1)]
    [InlineData(1, 0, 2)]
    public void Sequences_that_are_kept_go_on_as_they_would_alone(params int[] rows)
    {
        Llama model = new(Config, seed: 3);
        int[] padding = [13, 0, 5];
        int[][] texts = [.. padding.Select((count, i) => LlamaModels.Tokens(60 - count, 50, (ulong)i))];
        using KeyValueCache together = new(Config, batch: 3);
        together.Pad(padding);
        model.Step(Tensor.From<int>([.. texts.SelectMany((text, i) => (int[])[.. new int[padding[i]], .. text[..(20 - padding[i])]])], [3, 20]), together);
        together.Keep(rows);
        int least = rows.Min(row => padding[row]);
        Assert.Equal((rows.Length, 20 - least), (together.Batch, together.Length));
        for (int i = 0; i < rows.Length; i++) Assert.Equal(20 - padding[rows[i]], together.LengthOf(i));

        KeyValueCache[] alone = [.. rows.Select(_ => new KeyValueCache(Config))];
        for (int i = 0; i < rows.Length; i++) model.Step(Tensor.From(texts[rows[i]][..(20 - padding[rows[i]])], [1, 20 - padding[rows[i]]]), alone[i]);
        for (int next = 20; next < 46; next++)
        {
            int[] tokens = [.. rows.Select(row => texts[row][next - padding[row]])];
            Tensor scores = model.Step(Tensor.From(tokens, [rows.Length, 1]), together);
            for (int i = 0; i < rows.Length; i++)
                TensorAssert.Close(scores.Slice(0, i, i + 1), model.Step(Tensor.From([tokens[i]], [1, 1]), alone[i]), 1e-4, 1e-5, $"sequence {rows[i]}, token {next}");
        }

        foreach (KeyValueCache cache in alone) cache.Dispose();
    }

    [Fact]
    public void Sequences_that_are_kept_have_their_whole_context()
    {
        Llama model = new(Config, seed: 3);
        using KeyValueCache cache = new(Config, batch: 2);
        cache.Pad(0, 86);
        model.Step(Tensor.From(LlamaModels.Tokens(2 * 96, 50), [2, 96]), cache);
        Refused("longer than the model's context", () => model.Step(Tensor.Zeros([2, 1], DType.Int32), cache));
        cache.Keep(1);
        Assert.Equal(10, cache.Length);
        model.Step(Tensor.From(LlamaModels.Tokens(86, 50), [1, 86]), cache);
        Refused("longer than the model's context", () => model.Step(Tensor.Zeros([1, 1], DType.Int32), cache));
        Refused("there is no sequence 1; there are 1", () => cache.Keep(1));
        Refused("no sequence is left", () => cache.Keep());
        cache.Truncate();
        using KeyValueCache fresh = new(Config);
        Tensor tokens = Tensor.From<int>([4, 5, 6], [1, 3]);
        TensorAssert.SameBits(model.Step(tokens, cache), model.Step(tokens, fresh), "begun anew");
    }

    [Fact]
    public void Padding_that_cannot_be_is_refused()
    {
        using KeyValueCache cache = new(Config, batch: 2);
        Refused("1 counts given for 2 sequences", () => cache.Pad(3));
        Refused("96 tokens of padding for sequence 1", () => cache.Pad(0, 96));
        new Llama(Config).Step(Tensor.Zeros([2, 1], DType.Int32), cache);
        Assert.Throws<InvalidOperationException>(() => cache.Pad(1, 0));
    }

    static void Refused(string problem, Action action)
    {
        string message = Assert.Throws<ShapeException>(action).Message;
        Assert.Contains(problem, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }
}
