using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Engine.Models;

namespace Engine.Cli.Tests;

public sealed class GenerateTests : IDisposable
{
    readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    // A tokenizer of bytes, as tokenizer.json has it: "a" is token 64, "b" 65, and so on; token 256 ends a text.
    string Model(string name = "llama", ulong seed = 5, int vocabulary = 257, int context = 64, string? normalizer = null)
    {
        JsonObject vocabularyOfBytes = [];
        foreach ((char letter, int id) in ByteLetters().Select((letter, id) => (letter, id))) vocabularyOfBytes[letter.ToString()] = id;
        JsonObject tokenizer = new()
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(new JsonObject { ["id"] = 256, ["content"] = "<end>", ["special"] = true, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false }),
            ["normalizer"] = normalizer is null ? null : new JsonObject { ["type"] = normalizer },
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true },
            ["post_processor"] = null,
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = true, ["trim_offsets"] = true, ["use_regex"] = true },
            ["model"] = new JsonObject { ["type"] = "BPE", ["dropout"] = null, ["unk_token"] = null, ["vocab"] = vocabularyOfBytes, ["merges"] = new JsonArray() },
        };
        LlamaConfig config = new()
        {
            VocabularySize = vocabulary,
            Width = 16,
            MlpWidth = 24,
            Depth = 2,
            Heads = 2,
            KeyValueHeads = 1,
            HeadSize = 8,
            MaximumLength = context,
            BeginId = null,
            EndIds = [],
        };
        ModelFolder.Save(new Llama(config, seed), scratch[name], new Dictionary<string, byte[]> { ["tokenizer.json"] = Encoding.UTF8.GetBytes(tokenizer.ToJsonString()) });
        return scratch[name];
    }

    // GPT-2's letters for bytes, in the order of its vocabulary.
    static IEnumerable<char> ByteLetters()
    {
        int[] printable = [.. Enumerable.Range('!', '~' - '!' + 1), .. Enumerable.Range(0xa1, 0xac - 0xa1 + 1), .. Enumerable.Range(0xae, 0xff - 0xae + 1)];
        return printable.Select(value => (char)value).Concat(Enumerable.Range(0, 256 - printable.Length).Select(i => (char)(256 + i)));
    }

    [Fact]
    public void A_text_is_continued_and_the_speed_told_apart()
    {
        string model = Model();
        Outcome outcome = EngineProcess.Run("generate", "--model", model, "--prompt", "hello", "--max-tokens", "12");
        Assert.True(outcome.Code == 0, outcome.Errors);
        Assert.Contains("5 tokens read", Assert.Single(outcome.ErrorLines), StringComparison.Ordinal);
        Assert.Contains("12 written", outcome.Errors, StringComparison.Ordinal);
        Generator generator = new(ModelFolder.Load<Llama>(model).Model, Tokenizer.Load(model));
        Assert.Equal(generator.Complete(["hello"], new() { MaxNewTokens = 12 })[0].Text + Environment.NewLine, outcome.Output);

        scratch.Write("prompt.txt", "hello"u8);
        Outcome json = EngineProcess.Run("generate", "--model", model, "--prompt-file", scratch["prompt.txt"], "--max-tokens", "12", "--json");
        JsonNode answer = JsonNode.Parse(json.Output)!;
        Assert.Equal(outcome.Output, answer["text"]!.GetValue<string>() + Environment.NewLine);
        Assert.Equal(("limit", 12, 5), (answer["finish"]!.GetValue<string>(), answer["tokens"]!.GetValue<int>(), answer["prompt_tokens"]!.GetValue<int>()));
    }

    [Fact]
    public void A_seed_gives_the_same_answer_and_a_file_takes_it()
    {
        string model = Model();
        string[] arguments = ["generate", "--model", model, "--prompt", "hello", "--max-tokens", "20", "--temperature", "1.2", "--top-p", "0.95", "--top-k", "50", "--repetition-penalty", "1.1", "--seed", "3"];
        Outcome shown = EngineProcess.Run(arguments), written = EngineProcess.Run([.. arguments, "--out", scratch["answer.txt"]]);
        Assert.Equal("", written.Output);
        Assert.Equal(shown.Output, File.ReadAllText(scratch["answer.txt"]) + Environment.NewLine);
    }

    [Fact]
    public void Lines_of_prompts_give_lines_of_answers_in_their_order()
    {
        string model = Model();
        scratch.Write("prompts.jsonl", "{\"id\": 7, \"prompt\": \"a longer prompt\"}\n\n\"b\"\n{\"prompt\": \"é\"}\n"u8);
        string[] arguments = ["generate", "--model", model, "--batch-file", scratch["prompts.jsonl"], "--max-tokens", "6", "--batch", "2"];
        Outcome shown = EngineProcess.Run(arguments);
        Assert.True(shown.Code == 0, shown.Errors);
        JsonNode[] lines = [.. shown.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
        Assert.Equal(["a longer prompt", "b", "é"], lines.Select(line => line["prompt"]!.GetValue<string>()));
        Assert.Equal(7, lines[0]["id"]!.GetValue<int>());
        Assert.All(lines, line => Assert.Equal(6, line["tokens"]!.GetValue<int>()));
        Assert.Contains("3 answers, 18 tokens", Assert.Single(shown.ErrorLines), StringComparison.Ordinal);
        Assert.Equal("", EngineProcess.Run([.. arguments, "--out", scratch["answers.jsonl"]]).Output);
        Assert.Equal(shown.Output, File.ReadAllText(scratch["answers.jsonl"]));
    }

    [Theory]
    [InlineData("NFC", "cafe\u0301 \u0928\u0940", "caf\u00e9 \u0928\u0940")]
    [InlineData("NFKC", "\ufb01ne", "fine")]
    public void Text_that_its_tokenizer_normalises_is_read(string form, string typed, string normal)
    {
        string[] arguments = ["generate", "--max-tokens", "8", "--json", "--model"];
        JsonNode answer = JsonNode.Parse(EngineProcess.Run([.. arguments, Model("normalising", normalizer: form), "--prompt", typed]).Output)!;
        JsonNode expected = JsonNode.Parse(EngineProcess.Run([.. arguments, Model("plain"), "--prompt", normal]).Output)!;
        Assert.Equal((Encoding.UTF8.GetByteCount(normal), (string?)expected["text"]), ((int)answer["prompt_tokens"]!, (string?)answer["text"]));
    }

    [Fact]
    public void An_adapter_changes_the_answer()
    {
        string model = Model();
        LoadedModel<Llama> loaded = ModelFolder.Load<Llama>(model);
        AdapterSet adapters = Peft.Attach(loaded, new LoraOptions { Rank = 2, Alpha = 64, Targets = ["q_proj", "v_proj", "down_proj"] });
        foreach (LinearAdapter adapter in adapters.Adapters)
            foreach (Engine.Autograd.Parameter parameter in adapter.Parameters)
                parameter.Load(Engine.Tensors.RandomNumbers.Normal(parameter.Shape, new Engine.Tensors.Philox(1)));
        adapters.Save(scratch["adapter"]);
        string[] arguments = ["generate", "--model", model, "--prompt", "hello", "--max-tokens", "16"];
        Outcome plain = EngineProcess.Run(arguments), adapted = EngineProcess.Run([.. arguments, "--adapter", scratch["adapter"]]);
        Assert.True(adapted.Code == 0, adapted.Errors);
        Assert.NotEqual(plain.Output, adapted.Output);
    }

    [Fact]
    public void Ctrl_C_ends_the_answer_with_what_came()
    {
        if (OperatingSystem.IsWindows()) return;
        string model = Model(context: 1 << 20);
        using Process process = EngineProcess.Start("generate", "--model", model, "--prompt", "hello", "--max-tokens", "1000000");
        int first = process.StandardOutput.Read();
        Assert.True(first >= 0, "nothing came");
        using (Process kill = Process.Start("kill", ["-INT", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)])) kill.WaitForExit();
        Outcome outcome = EngineProcess.Finish(process);
        Assert.Equal(130, outcome.Code);
        Assert.Contains("(interrupted)", Assert.Single(outcome.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_is_said_in_a_line()
    {
        string model = Model(), none = scratch["none"];
        scratch.Write("bad.jsonl", "{\"prompt\": \"a\"}\n{\"prompt\": 3}\n"u8);
        scratch.Write("broken.jsonl", "{\"prompt\": \"a\"\n"u8);
        scratch.Write("empty.jsonl", "\n"u8);
        scratch.Write("hollow.jsonl", "\"\"\n"u8);
        scratch.Write("latin.txt", [0xe9]);
        string small = Model("small", vocabulary: 100);
        string vit = scratch.Model();
        Refuses(2, "Give one of --prompt, --prompt-file and --batch-file", "--model", model);
        Refuses(2, "Give one of", "--model", model, "--prompt", "a", "--prompt-file", "b");
        Refuses(2, "temperature -1", "--model", model, "--prompt", "a", "--temperature", "-1");
        Refuses(2, "a number is expected", "--model", model, "--prompt", "a", "--temperature", "hot");
        Refuses(2, "a whole number is expected", "--model", model, "--prompt", "a", "--max-tokens", "many");
        Refuses(2, "--batch is 0", "--model", model, "--prompt", "a", "--batch", "0");
        Refuses(1, "the prompt is empty", "--model", model, "--prompt", "");
        Refuses(1, "the prompt has 65 tokens, more than the model's context of 64", "--model", model, "--prompt", new string('a', 65));
        Refuses(1, "the tokenizer is another model's", "--model", small, "--prompt", "é");
        Refuses(1, "there is no such file", "--model", model, "--prompt-file", none);
        Refuses(1, "is not UTF-8", "--model", model, "--prompt-file", scratch["latin.txt"]);
        Refuses(1, "line 2 is neither a text nor an object", "--model", model, "--batch-file", scratch["bad.jsonl"]);
        Refuses(1, "line 1 is not JSON", "--model", model, "--batch-file", scratch["broken.jsonl"]);
        Refuses(1, "holds no prompts", "--model", model, "--batch-file", scratch["empty.jsonl"]);
        Refuses(1, "line 1 has an empty prompt", "--model", model, "--batch-file", scratch["hollow.jsonl"]);
        Refuses(1, "there is no such folder", "--model", none, "--prompt", "a");
        Refuses(1, "not a Llama", "--model", vit, "--prompt", "a");
        File.Delete(Path.Combine(model, "tokenizer.json"));
        Refuses(1, "tokenizer", "--model", model, "--prompt", "a");
    }

    [Fact]
    public void An_adapter_for_another_base_model_is_refused()
    {
        string model = Model();
        LlamaConfig wider = new() { VocabularySize = 257, Width = 32, MlpWidth = 24, Depth = 2, Heads = 2, KeyValueHeads = 1, HeadSize = 8, MaximumLength = 64, EndIds = [] };
        ModelFolder.Save(new Llama(wider), scratch["wider"]);
        Peft.Attach(ModelFolder.Load<Llama>(scratch["wider"]), new LoraOptions { Rank = 2, Alpha = 4, Targets = ["q_proj"] }).Save(scratch["adapter"]);
        Refuses(1, "adapter", "--model", model, "--prompt", "a", "--adapter", scratch["adapter"]);
    }

    void Refuses(int code, string says, params string[] arguments)
    {
        string[] before = scratch.Contents();
        Outcome outcome = EngineProcess.Run(["generate", .. arguments]);
        string line = Assert.Single(outcome.ErrorLines);
        Assert.True(code == outcome.Code, $"exit code {outcome.Code}: {line}");
        Assert.DoesNotContain("Unexpected", line, StringComparison.Ordinal);
        Assert.Contains(says, line, StringComparison.Ordinal);
        Assert.Equal("", outcome.Output);
        Assert.Equal(before, scratch.Contents());
    }
}
