using System.Text.Json.Nodes;
using Microsoft.ML.Tokenizers;

namespace Engine.Models.Tests;

/// <summary>Tokenizers from the files that people have, and back.</summary>
public sealed class TokenizerTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("tokenizer-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    Tokenizer FromModel() => With("tokenizer.model", TinyVocabulary.SentencePiece());

    Tokenizer FromJson(JsonObject json) => With("tokenizer.json", TinyVocabulary.Bytes(json));

    Tokenizer With(string name, byte[] bytes)
    {
        Put(name, bytes);
        return Tokenizer.Load(folder);
    }

    void Put(string name, byte[] bytes) => File.WriteAllBytes(Path.Combine(folder, name), bytes);

    void Put(string name, string text) => File.WriteAllText(Path.Combine(folder, name), text);

    const string Gpt2 = """{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true}""";

    // ---- text comes back

    public static TheoryData<string> Texts => TinyVocabulary.Texts;

    [Theory, MemberData(nameof(Texts))]
    public void SentencePiece_text_comes_back(string text) => ComesBack(FromModel(), text);

    [Theory, MemberData(nameof(Texts))]
    public void Byte_pair_text_comes_back(string text) => ComesBack(FromJson(TinyVocabulary.ByteJson()), text);

    [Theory, MemberData(nameof(Texts))]
    public void Gpt2_text_comes_back(string text) => ComesBack(FromJson(TinyVocabulary.ByteJson(Gpt2)), text);

    [Theory, MemberData(nameof(Texts))]
    public void Marked_byte_pair_text_comes_back(string text) => ComesBack(FromJson(TinyVocabulary.MarkedJson()), text);

    [Theory, MemberData(nameof(Texts))]
    public void Byte_text_comes_back(string text)
    {
        Tokenizer bytes = ByteTokenizer.Create();
        ComesBack(bytes, text);
        Assert.Equal(System.Text.Encoding.UTF8.GetBytes(text).Select(value => (int)value), bytes.Encode(text));
    }

    static void ComesBack(Tokenizer tokenizer, string text)
    {
        int[] tokens = tokenizer.Encode(text);
        Assert.Equal(text, tokenizer.Decode(tokens));
        Assert.All(tokens, token => Assert.InRange(token, 0, tokenizer.VocabularySize - 1));
        if (text.Length == 0) Assert.Empty(tokens);
    }

    [Fact]
    public void Half_a_character_becomes_the_replacement_character()
    {
        Tokenizer[] all = [FromModel(), FromJson(TinyVocabulary.ByteJson()), FromJson(TinyVocabulary.MarkedJson()), ByteTokenizer.Create()];
        foreach (Tokenizer tokenizer in all) Assert.Equal("a\ufffdb", tokenizer.Decode(tokenizer.Encode("a\ud83db")));
    }

    [Fact]
    public void Bytes_that_are_no_text_become_the_replacement_character()
    {
        Tokenizer bytes = ByteTokenizer.Create();
        Assert.Equal("\ufffd!", bytes.Decode([0xF0, 0x9F, '!']));
        Tokenizer marked = FromModel();
        Assert.Equal("\ufffd", marked.Decode([3 + 0xC3]));
        Assert.Equal("é", marked.Decode([3 + 0xC3, 3 + 0xA9]));
    }

    // ---- the tokens are the right ones

    [Fact]
    public void Both_files_of_one_vocabulary_give_the_same_tokens()
    {
        // The library's SentencePiece against our merging.
        Tokenizer model = FromModel(), json = FromJson(TinyVocabulary.MarkedJson());
        Assert.NotEqual(model.GetType(), json.GetType());
        foreach (string text in TinyVocabulary.Texts.Select(row => row.Data).Concat(TinyVocabulary.RandomTexts(300)))
            Assert.Equal(model.Encode(text), json.Encode(text));
        Assert.True(model.Encode("the quick brown fox").Length < 10, "nothing was merged");
    }

    [Fact]
    public void Metaspace_marks_spaces_as_the_normalizer_does()
    {
        Tokenizer older = FromJson(TinyVocabulary.MarkedJson()), newer = FromJson(TinyVocabulary.MarkedJson(metaspace: true));
        foreach (string text in TinyVocabulary.RandomTexts(100).Where(text => text[0] != ' ')) Assert.Equal(older.Encode(text), newer.Encode(text));
        Assert.Equal("the fox", newer.Decode(newer.Encode("the fox")));
    }

    [Fact]
    public void Byte_pairs_merge_as_the_library_merges()
    {
        string[] texts = [.. TinyVocabulary.RandomTexts(300)];
        Tokenizer ours = FromJson(TinyVocabulary.ByteJson());
        BpeTokenizer theirs = BpeTokenizer.Create(new BpeOptions(TinyVocabulary.BytePieces.Select((piece, id) => KeyValuePair.Create(piece, id)))
        {
            Merges = TinyVocabulary.ByteMerges.Select(pair => $"{pair.Left} {pair.Right}"),
            ByteLevel = true,
            PreTokenizer = new RegexPreTokenizer(new(TinyVocabulary.Llama3Pattern), null),
        });
        foreach (string text in texts) Assert.Equal(theirs.EncodeToIds(text), ours.Encode(text));
        Assert.Contains(texts, text => ours.Encode(text).Any(token => token > 300));
    }

    [Fact]
    public void Merges_are_read_in_both_spellings()
    {
        Tokenizer texts = FromJson(TinyVocabulary.ByteJson()), lists = FromJson(TinyVocabulary.ByteJson(pairsAsLists: true));
        foreach (string text in TinyVocabulary.RandomTexts(50)) Assert.Equal(texts.Encode(text), lists.Encode(text));
    }

    [Fact]
    public void The_pair_learned_first_is_merged_first_and_the_leftmost_of_equals()
    {
        // a b c, with bc learned before ab: a bc. Of aaa, aa a.
        BytePairs pairs = new([(1, 2, 12), (0, 1, 10), (0, 0, 20)]);
        Assert.Equal([0, 12], Merge(pairs, [0, 1, 2]));
        Assert.Equal([20, 0], Merge(pairs, [0, 0, 0]));
        Assert.Equal([20, 20], Merge(pairs, [0, 0, 0, 0]));
        Assert.Equal([10, 1], Merge(pairs, [0, 1, 1]));
    }

    static List<int> Merge(BytePairs pairs, int[] tokens)
    {
        List<int> result = [];
        pairs.Merge(tokens, result);
        return result;
    }

    [Fact]
    public void A_word_that_merges_do_not_reach_is_found_whole_where_merges_are_ignored()
    {
        JsonObject json = TinyVocabulary.ByteJson();
        int id = TinyVocabulary.BytePieces.Count + 3;
        json["model"]!["vocab"]!["zzz"] = id;
        Assert.DoesNotContain(id, FromJson(json).Encode("zzz"));
        json["model"]!["ignore_merges"] = true;
        Assert.Equal([id], FromJson(json).Encode("zzz"));
    }

    [Fact]
    public void Letters_beyond_the_basic_plane_are_letters_to_the_pattern()
    {
        TextSplitter llama3 = new(TextSplitter.Pattern(TinyVocabulary.Llama3Pattern), keepsRest: true);
        Assert.Equal(["𝒜b", " 𠀀a", "🙂", "𝟙2"], llama3.Split("𝒜b 𠀀a🙂𝟙2"));
        Assert.Equal(["I", "'D", " go", "123", "4", "...\n", "  ", " x"], llama3.Split("I'D go1234...\n   x"));
    }

    [Fact]
    public void A_prefix_space_is_added_once()
    {
        Tokenizer tokenizer = FromJson(TinyVocabulary.ByteJson("""{"type": "ByteLevel", "add_prefix_space": true}"""));
        Assert.Equal(tokenizer.Encode(" the"), tokenizer.Encode("the"));
        Assert.NotEqual(tokenizer.Encode("  the"), tokenizer.Encode("the"));
    }

    // ---- begin, end and other special tokens

    [Fact]
    public void Special_tokens_in_a_text_are_text_unless_asked_for()
    {
        (Tokenizer Tokenizer, string Text, int Id)[] cases =
        [
            (FromModel(), "the</s>fox", 2),
            (FromJson(TinyVocabulary.MarkedJson()), "the</s>fox", 2),
            (FromJson(TinyVocabulary.ByteJson()), "the<|end|>fox", TinyVocabulary.BytePieces.Count),
            (FromJson(TinyVocabulary.ByteJson()), "the<|end|>2fox", TinyVocabulary.BytePieces.Count + 1),
            (ByteTokenizer.Create(), "the</s>fox", 257),
        ];
        foreach ((Tokenizer tokenizer, string text, int id) in cases)
        {
            Assert.DoesNotContain(id, tokenizer.Encode(text));
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
            Assert.Single(tokenizer.Encode(text, specialTokens: true), id);
            Assert.DoesNotContain("<", tokenizer.Decode(tokenizer.Encode(text, specialTokens: true)));
        }
    }

    [Fact]
    public void Added_tokens_that_are_not_special_are_always_found_and_written()
    {
        Tokenizer tokenizer = FromJson(TinyVocabulary.ByteJson());
        int[] tokens = tokenizer.Encode("the [note] fox");
        Assert.Contains(TinyVocabulary.BytePieces.Count + 2, tokens);
        Assert.Equal("the [note] fox", tokenizer.Decode(tokens));
    }

    [Fact]
    public void Begin_and_end_come_from_the_model_the_template_and_the_settings()
    {
        Tokenizer model = FromModel();
        Assert.Equal((1, 2), (model.BeginId, model.EndId));
        Put("tokenizer_config.json", """{"add_bos_token": false, "eos_token": {"content": "<unk>"}}""");
        model = Tokenizer.Load(folder);
        Assert.Equal((null, 0), (model.BeginId, model.EndId));
        Put("tokenizer_config.json", """{"added_tokens_decoder": {"500": {"content": "<end>", "special": true}}, "eos_token": "<end>"}""");
        model = Tokenizer.Load(folder);
        Assert.Equal((1, 500, 501), (model.BeginId, model.EndId, model.VocabularySize));
        File.Delete(Path.Combine(folder, "tokenizer_config.json"));

        Tokenizer marked = FromJson(TinyVocabulary.MarkedJson());
        Assert.Equal((1, null), (marked.BeginId, marked.EndId));
        Put("special_tokens_map.json", """{"eos_token": "</s>"}""");
        Assert.Equal(2, Tokenizer.Load(folder).EndId);

        Tokenizer bytes = FromJson(TinyVocabulary.ByteJson());
        Assert.Null(bytes.BeginId);
        File.Delete(Path.Combine(folder, "special_tokens_map.json"));
        Put("generation_config.json", """{"eos_token_id": [7, 8]}""");
        Assert.Equal(7, Tokenizer.Load(folder).EndId);
    }

    [Fact]
    public void The_byte_tokenizer_is_a_folder_like_any_other()
    {
        foreach ((string name, byte[] bytes) in ByteTokenizer.Files()) Put(name, bytes);
        Tokenizer made = ByteTokenizer.Create(), loaded = Tokenizer.Load(folder);
        Assert.Equal((made.VocabularySize, made.BeginId, made.EndId), (loaded.VocabularySize, loaded.BeginId, loaded.EndId));
        Assert.Equal((258, 256, 257), (loaded.VocabularySize, loaded.BeginId, loaded.EndId));
        foreach (string text in TinyVocabulary.RandomTexts(20)) Assert.Equal(made.Encode(text), loaded.Encode(text));
        Assert.Equal(ByteTokenizer.Files().Keys.Order(), Tokenizer.Files(folder).Keys.Order());
    }

    // ---- what cannot be

    [Fact]
    public void A_token_outside_the_vocabulary_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => ByteTokenizer.Create().Decode([258]));
        Assert.Throws<ArgumentOutOfRangeException>(() => FromModel().Decode([-1]));
    }

    public static TheoryData<string, string, string> Unsupported => new()
    {
        { "model.type", "\"Unigram\"", "model Unigram is not supported" },
        { "model.type", "\"WordPiece\"", "model WordPiece is not supported" },
        { "model.end_of_word_suffix", "\"</w>\"", "end_of_word_suffix" },
        { "model.dropout", "0.1", "dropout" },
        { "model.merges", "[\"a\"]", "entry 0" },
        { "model.merges", "[\"t zq\"]", "\"zq\" is not in the vocabulary" },
        { "model.vocab", "{\"a\": -1}", "\"a\" must have a number" },
        { "model", "{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}", "byte 0x00" },
        { "model", "null", "lacks the object \"model\"" },
        { "normalizer", "{\"type\": \"Lowercase\"}", "normalizer Lowercase is not supported" },
        { "pre_tokenizer", "{\"type\": \"BertPreTokenizer\"}", "pre-tokenizer BertPreTokenizer is not supported" },
        { "pre_tokenizer", "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(\"}}", "the pattern cannot be used" },
        { "pre_tokenizer", "{\"type\": \"Split\", \"pattern\": {\"String\": \" \"}, \"behavior\": \"MergedWithNext\"}", "MergedWithNext is not supported" },
        { "decoder", "{\"type\": \"WordPiece\"}", "decoder WordPiece is not supported" },
        { "post_processor", "{\"type\": \"RobertaProcessing\"}", "post-processor RobertaProcessing is not supported" },
        { "added_tokens", "[{\"id\": 1}]", "must have \"id\" and \"content\"" },
        { "added_tokens", "[{\"id\": 1, \"content\": \"x\", \"single_word\": true}]", "single_word is not supported" },
    };

    [Theory, MemberData(nameof(Unsupported))]
    public void What_is_not_supported_is_refused_by_name(string where, string value, string problem)
    {
        JsonObject json = TinyVocabulary.ByteJson();
        string[] path = where.Split('.');
        JsonNode at = json;
        foreach (string key in path[..^1]) at = at[key]!;
        at[path[^1]] = JsonNode.Parse(value);
        CheckpointException fault = Assert.Throws<CheckpointException>(() => FromJson(json));
        Assert.Contains(problem, fault.Message);
        Assert.Contains("tokenizer.json", fault.Message);
        Assert.DoesNotContain('\n', fault.Message);
    }

    [Fact]
    public void A_SentencePiece_model_of_another_kind_is_refused_by_name()
    {
        CheckpointException fault = Assert.Throws<CheckpointException>(() => With("tokenizer.model", TinyVocabulary.SentencePiece(modelType: 1)));
        Assert.Contains("type Unigram is not supported", fault.Message);
    }

    [Theory]
    [InlineData("tokenizer.json", "{", "is not JSON")]
    [InlineData("tokenizer.json", "[]", "must be a JSON object")]
    [InlineData("tokenizer.json", "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"\\ud800\": 1}, \"merges\": []}}", "is damaged")]
    [InlineData("tokenizer.model", "IQ== 0\nIg== 1\n", "tiktoken")]
    [InlineData("tokenizer.model", "", "it has no pieces")]
    public void Damaged_files_are_refused_in_one_line(string name, string text, string problem)
    {
        Put(name, text);
        CheckpointException fault = Assert.Throws<CheckpointException>(() => Tokenizer.Load(folder));
        Assert.Contains(problem, fault.Message);
        Assert.Contains(name, fault.Message);
    }

    [Fact]
    public void Every_cut_of_a_model_file_is_refused_or_read()
    {
        byte[] whole = TinyVocabulary.SentencePiece();
        for (int length = 0; length < whole.Length; length += 41)
        {
            Put("tokenizer.model", whole[..length]);
            try
            {
                Tokenizer.Load(folder).Encode("the fox");
            }
            catch (CheckpointException e)
            {
                Assert.DoesNotContain('\n', e.Message);
            }
        }
    }

    [Fact]
    public void A_folder_without_a_tokenizer_says_what_to_fetch()
    {
        Assert.Contains("holds no tokenizer.json or tokenizer.model", Assert.Throws<CheckpointException>(() => Tokenizer.Load(folder)).Message);
        Assert.Contains("no such folder", Assert.Throws<CheckpointException>(() => Tokenizer.Load(Path.Combine(folder, "absent"))).Message);
    }

    [Theory]
    [InlineData("NFC", "Cafe\u0301 \u0928\u093f\u0930\u094d\u092d\u092f \u0e19\u0e49\u0e33 \u212b", "Caf\u00e9 \u0928\u093f\u0930\u094d\u092d\u092f \u0e19\u0e49\u0e33 \u00c5")]
    [InlineData("NFD", "Caf\u00e9", "Cafe\u0301")]
    [InlineData("NFKC", "\ufb01ne \u2460", "fine 1")]
    [InlineData("NFKD", "\ufb01anc\u00e9", "fiance\u0301")]
    public void Text_is_normalised_where_the_system_has_no_tables(string form, string text, string normal)
    {
        Tokenizer plain = FromJson(TinyVocabulary.ByteJson());
        JsonObject json = TinyVocabulary.ByteJson();
        json["normalizer"] = new JsonObject { ["type"] = form };
        Tokenizer tokenizer = FromJson(json);
        Assert.Equal(plain.Encode(normal), tokenizer.Encode(text));
        Assert.Equal(normal, tokenizer.Decode(tokenizer.Encode(text)));
    }

    [Fact]
    public void Several_threads_may_use_one_tokenizer()
    {
        Tokenizer[] all = [FromModel(), FromJson(TinyVocabulary.ByteJson())];
        foreach (Tokenizer tokenizer in all)
        {
            string[] texts = [.. TinyVocabulary.RandomTexts(64)];
            int[][] alone = [.. texts.Select(tokenizer.Encode)];
            int[][] together = [.. texts.AsParallel().AsOrdered().WithDegreeOfParallelism(4).Select(tokenizer.Encode)];
            Assert.Equal(alone, together);
        }
    }
}
