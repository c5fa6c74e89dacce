using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training.Tests;

/// <summary>From examples to batches: what is learned, what shares a sequence, and in which order.</summary>
public sealed class TextLoaderTests
{
    static readonly Tokenizer Bytes = ByteTokenizer.Create();
    static readonly PromptTemplate Short = new("{instruction}|{input}>", "{instruction}>");

    static LlamaConfig Tiny { get; } = new()
    {
        VocabularySize = ByteTokenizer.VocabularySize,
        Width = 16,
        MlpWidth = 24,
        Depth = 2,
        Heads = 4,
        KeyValueHeads = 2,
        HeadSize = 4,
        MaximumLength = 128,
        TiedEmbeddings = true,
        BeginId = ByteTokenizer.BeginId,
        EndIds = [ByteTokenizer.EndId],
    };

    static EncodedTexts Encode(TextEncoding encoding, params InstructionExample[] examples) => TextEncoder.Encode(Bytes, examples, encoding, "data.json");

    // ---- what is learned

    [Fact]
    public void Only_the_answer_and_its_end_are_learned()
    {
        TokenExample example = Encode(new() { Template = Short }, new InstructionExample("ab", "c", "de")).Examples[0];
        Assert.Equal([256, 'a', 'b', '|', 'c', '>', 'd', 'e', 257], example.Tokens);
        Assert.Equal((6, 8, 3), (example.FirstLabel, example.Length, example.Labels));
        Assert.Equal(1, Encode(new() { Template = Short, TrainOnPrompt = true }, new InstructionExample("ab", "c", "de")).Examples[0].FirstLabel);
    }

    [Fact]
    public void What_is_cut_is_counted_and_loses_its_end()
    {
        EncodedTexts texts = Encode(new() { Template = Short, Cutoff = 6 }, new("a", "", "b"), new("a", "", "bcdefg"), new("abcdefgh", "", "i"));
        Assert.Equal((2, 2, 1), (texts.Examples.Count, texts.Cut, texts.LeftOut));
        Assert.Equal([256, 'a', '>', 'b', 257], texts.Examples[0].Tokens);
        Assert.Equal([256, 'a', '>', 'b', 'c', 'd'], texts.Examples[1].Tokens);
        Assert.Equal("2 of 3 texts are longer than 6 tokens and are cut; 1 of them before the answer began, which are left out", texts.Loss(6));
        Assert.Contains("every prompt is longer than the cutoff of 4", Assert.Throws<DatasetException>(() => Encode(new() { Template = Short, Cutoff = 4 }, new InstructionExample("abcdef", "", "g"))).Message);
    }

    [Fact]
    public void Windows_predict_every_token_of_a_text_once()
    {
        IReadOnlyList<TokenExample> windows = TextEncoder.Windows(Bytes, "abcdefghij", 4, "text.txt");
        Assert.Equal([4, 4, 2], windows.Select(window => window.Length));
        Assert.Equal("abcdefghij", Bytes.Decode([.. windows.SelectMany(window => window.Tokens.Skip(1))]));
        Assert.Contains("is empty", Assert.Throws<DatasetException>(() => TextEncoder.Windows(Bytes, "", 4, "text.txt")).Message);
    }

    // ---- batches

    static TokenExample[] Examples(int count)
    {
        Random random = new(3);
        return [.. Enumerable.Range(0, count).Select(number =>
        {
            int[] tokens = [number % 256, .. Enumerable.Range(0, random.Next(2, 30)).Select(_ => random.Next(256))];
            return new TokenExample(tokens, random.Next(1, tokens.Length));
        })];
    }

    static string Print(IEnumerable<TextBatch> batches) =>
        string.Join('\n', batches.Select(batch => $"{batch.Rows}x{batch.Length}: {string.Join(',', batch.Places)} {string.Join(',', batch.Labels)}"));

    [Theory]
    [InlineData(null)]
    [InlineData(40)]
    public void An_epoch_holds_every_label_once_and_depends_on_seed_and_epoch_alone(int? packed)
    {
        TokenExample[] examples = Examples(203);
        TextLoaderOptions options = new() { BatchSize = 4, PackedLength = packed, Shuffle = true, Seed = 5 };
        TextLoader loader = new(examples, options), again = new(examples, options), other = new(examples, options with { Seed = 6 });
        IEnumerable<int> all = examples.SelectMany(example => example.Tokens[example.FirstLabel..]).Order();
        for (int epoch = 0; epoch < 2; epoch++)
        {
            TextBatch[] batches = [.. loader.Epoch(epoch)];
            Assert.Equal(loader.BatchCount, batches.Length);
            Assert.Equal(all, batches.SelectMany(batch => batch.Labels).Order());
            Assert.Equal(loader.TokenCount, batches.Sum(batch => batch.Count));
            Assert.Equal(Print(batches), Print(again.Epoch(epoch)));
            Assert.Equal(Print(batches[7..]), Print(loader.Epoch(epoch, 7)));
        }

        Assert.NotEqual(Print(loader.Epoch(0)), Print(loader.Epoch(1)));
        Assert.NotEqual(Print(loader.Epoch(0)), Print(other.Epoch(0)));
    }

    [Fact]
    public void Little_of_a_batch_is_padding()
    {
        TokenExample[] examples = Examples(400);
        double Share(TextLoader loader) => (double)loader.TokenCount / loader.Epoch(0).Sum(batch => batch.Rows * batch.Length);
        double unsorted = (double)examples.Sum(example => example.Length) / examples.Chunk(8).Sum(chunk => chunk.Length * chunk.Max(example => example.Length));
        double bucketed = Share(new(examples, new() { BatchSize = 8, Shuffle = true })), packed = Share(new(examples, new() { BatchSize = 8, Shuffle = true, PackedLength = 64 }));
        Assert.True(unsorted < 0.75 && bucketed > 0.9 && packed > 0.95, $"{unsorted:F3} {bucketed:F3} {packed:F3}");
    }

    [Fact]
    public void An_example_longer_than_a_packed_sequence_is_refused() =>
        Assert.Throws<ArgumentException>(() => new TextLoader(Examples(5), new() { PackedLength = 3 }));

    // ---- packing leaks nothing

    [Fact]
    public void A_packed_batch_gives_every_token_the_loss_it_has_alone()
    {
        Llama model = new(Tiny, seed: 2);
        model.Evaluate();
        TokenExample[] examples = Examples(9);
        TextBatch packed = new TextLoader(examples, new() { BatchSize = 3, PackedLength = 64 }).Epoch(0).First();
        Assert.True(packed.Rows < examples.Length);
        // Labels in the order of the sequences, so that they can be found again.
        Dictionary<string, double[]> alone = examples.ToDictionary(
            example => string.Join(',', example.Tokens), example => Losses(model, new TextLoader([example], new() { BatchSize = 1 }).Epoch(0).Single(), masked: true));
        TextBatch[] batches = [.. new TextLoader(examples, new() { BatchSize = 3, PackedLength = 64 }).Epoch(0)];
        double[] together = [.. batches.SelectMany(batch => Losses(model, batch, masked: true)).Order()], apart = [.. alone.Values.SelectMany(losses => losses).Order()];
        Assert.Equal(apart.Length, together.Length);
        for (int i = 0; i < apart.Length; i++) Assert.Equal(apart[i], together[i], 5e-5);
        // And the mask is what does it.
        double[] leaking = [.. batches.SelectMany(batch => Losses(model, batch, masked: false)).Order()];
        Assert.Contains(Enumerable.Range(0, apart.Length), i => Math.Abs(apart[i] - leaking[i]) > 1e-3);
    }

    // -log p of each label.
    static double[] Losses(Llama model, TextBatch batch, bool masked)
    {
        using StepScope scope = StepScope.Begin();
        Tensor hidden = model.Hidden(batch.Tokens(model.Device), masked ? batch.Mask(model.Device) : null).Value;
        float[] logits = model.Logits(new Variable(hidden)).Value.ToArray<float>();
        int vocabulary = model.Config.VocabularySize;
        return [.. batch.Places.Zip(batch.Labels, (place, label) =>
        {
            ReadOnlySpan<float> row = logits.AsSpan(place * vocabulary, vocabulary);
            double sum = 0;
            foreach (float logit in row) sum += Math.Exp(logit);
            return Math.Log(sum) - row[label];
        })];
    }

    [Fact]
    public void Packing_gives_the_gradients_of_separate_sequences()
    {
        TokenExample[] examples = Examples(6);
        Dictionary<string, float[]> apart = Gradients(null), packed = Gradients(100);
        foreach ((string name, float[] gradient) in apart)
        {
            double scale = gradient.Max(Math.Abs);
            for (int i = 0; i < gradient.Length; i++) Assert.Equal(gradient[i], packed[name][i], 1e-4 * scale + 1e-7);
        }

        Dictionary<string, float[]> Gradients(int? length)
        {
            Llama model = new(Tiny, seed: 2);
            using StepScope scope = StepScope.Begin();
            StepResult result = TextTask.Forward(model, new TextLoader(examples, new() { BatchSize = 6, PackedLength = length }).Epoch(0).Single(), 0);
            result.Loss.Backward();
            Assert.Equal(examples.Sum(example => example.Labels), result.Predictions);
            return model.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Gradient!.ToArray<float>());
        }
    }

    [Fact]
    public void Half_of_the_items_are_held_out_the_same_way_each_time()
    {
        int[] items = [.. Enumerable.Range(0, 20)];
        (IReadOnlyList<int> kept, IReadOnlyList<int> held) = TextSplit.HoldOut(items, 0.25, 3);
        Assert.Equal((15, 5), (kept.Count, held.Count));
        Assert.Equal(items, kept.Concat(held).Order());
        Assert.Equal(kept, TextSplit.HoldOut(items, 0.25, 3).Kept);
        Assert.NotEqual(kept, TextSplit.HoldOut(items, 0.25, 4).Kept);
        (string first, string rest) = TextSplit.HoldOut("one two\nthree four\nfive\n", 0.3);
        Assert.Equal(("one two\nthree four\n", "five\n"), (first, rest));
    }
}
