using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Engine.Models;

namespace Engine.Cli.Tests;

/// <summary>A language model through the command: from scratch, fine-tuned, measured; and what it says where that cannot be.</summary>
public sealed class LanguageModelTests
{
    const string Verse = "The sun is up, the day is new,\nthe birds are out, the sky is blue.\n";

    static Outcome Succeeds(params string[] arguments)
    {
        Outcome outcome = EngineProcess.Run(arguments);
        Assert.True(outcome.Code == 0, $"exit code {outcome.Code}: {outcome.Errors}");
        return outcome;
    }

    // 1 for what is found wrong with files, 2 for options.
    static void Fails(int code, string problem, params string[] arguments)
    {
        Outcome outcome = EngineProcess.Run(arguments);
        string line = Assert.Single(outcome.ErrorLines);
        Assert.Contains(problem, line);
        Assert.True(code == outcome.Code, $"exit code {outcome.Code}: {line}");
    }

    static string Questions(Scratch scratch, string name, int count) => scratch.Write(name, Encoding.UTF8.GetBytes(JsonSerializer.Serialize(
        Enumerable.Range(0, count).Select(i => new Dictionary<string, string>
        {
            ["instruction"] = $"Is {i} even?\n\nAnswer format: true/false",
            ["input"] = "",
            ["output"] = $"the correct answer is {(i % 2 == 0 ? "true" : "false")}",
            ["answer"] = i % 2 == 0 ? "true" : "false",
        }))));

    static string Small(Scratch scratch)
    {
        LlamaConfig config = new()
        {
            VocabularySize = ByteTokenizer.VocabularySize,
            Width = 16,
            MlpWidth = 32,
            Depth = 1,
            Heads = 2,
            KeyValueHeads = 1,
            HeadSize = 8,
            MaximumLength = 320,
            TiedEmbeddings = true,
            BeginId = ByteTokenizer.BeginId,
            EndIds = [ByteTokenizer.EndId],
        };
        ModelFolder.Save(new Llama(config, 1), scratch["llama"], ByteTokenizer.Files());
        return scratch["llama"];
    }

    [Fact]
    public void A_llama_from_scratch_is_a_folder_that_finetune_and_evaluate_take()
    {
        using Scratch scratch = new();
        string text = scratch.Write("verse.txt", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(Verse, 40))));
        Outcome made = Succeeds("pretrain", "--family", "llama", "--data", text, "--out", scratch["base"], "--width", "32", "--depth", "1", "--heads", "4", "--kv-heads", "2",
            "--context", "64", "--epochs", "3", "--batch", "8", "--lr", "0.01");
        Assert.Contains("258 tokens, context 64", made.Output);
        Assert.Contains("perplexity", made.Output);
        string model = scratch["base/best"];
        Assert.Equal((256, 257), (Tokenizer.Load(model).BeginId, Tokenizer.Load(model).EndId));
        Assert.True(File.Exists(Path.Combine(model, "generation_config.json")));
        Assert.Equal(2, ModelFolder.Load<Llama>(model).Model.Config.KeyValueHeads);

        using JsonDocument before = JsonDocument.Parse(Succeeds("evaluate", "--model", model, "--data", text, "--json").Output);
        double perplexity = before.RootElement.GetProperty("texts")[0].GetProperty("perplexity").GetDouble();
        Assert.InRange(perplexity, 1, 40);          // 258 would know nothing

        Succeeds("finetune", "--model", model, "--data", text, "--out", scratch["tuned"], "--epochs", "1", "--batch", "8", "--lr", "0.003", "--optimizer", "adamw");
        Assert.Equal(File.ReadAllBytes(Path.Combine(model, "tokenizer.json")), File.ReadAllBytes(scratch["tuned/best/tokenizer.json"]));
        using JsonDocument after = JsonDocument.Parse(Succeeds("evaluate", "--model", scratch["tuned/best"], "--data", text, "--json").Output);
        Assert.True(after.RootElement.GetProperty("texts")[0].GetProperty("perplexity").GetDouble() < perplexity);
    }

    [Fact]
    public void Instructions_are_learned_packed_and_measured_by_likelihood_and_generated()
    {
        using Scratch scratch = new();
        string model = Small(scratch), train = Questions(scratch, "train.json", 24), set = Questions(scratch, "sets/even/test.json", 6);
        string template = scratch.Write("prompt.txt", "{instruction}\n"u8);
        Outcome tuned = Succeeds("finetune", "--model", model, "--data", train, "--out", scratch["run"], "--epochs", "1", "--batch", "2", "--pack", "--cutoff", "200", "--template", template);
        Assert.Contains("22 training texts", tuned.Output);
        Assert.Contains("sequences; 2 validation texts", tuned.Output);
        string run = scratch["run/last"];
        string table = Succeeds("evaluate", "--model", run, "--data", scratch["sets"], "--template", template).Output;
        Assert.Contains("even", table);
        Assert.Contains("50.0", table);             // chance
        using JsonDocument json = JsonDocument.Parse(Succeeds("evaluate", "--model", run, "--data", set, "--template", template, "--json", "--generate", "--limit", "4", "--batch", "3").Output);
        JsonElement even = json.RootElement.GetProperty("sets")[0];
        Assert.Equal(("even", 4, 0.5), (even.GetProperty("name").GetString(), even.GetProperty("questions").GetInt32(), even.GetProperty("chance").GetDouble()));
        Assert.Equal(JsonValueKind.Null, even.GetProperty("perplexity").ValueKind);
        Outcome cut = Succeeds("finetune", "--model", model, "--data", train, "--out", scratch["cut"], "--epochs", "1", "--cutoff", "50", "--template", template);
        Assert.Contains("are longer than 50 tokens and are cut", cut.Output);
    }

    [Fact]
    public void Adapters_that_learned_from_another_tokenizer_bring_it_along()
    {
        using Scratch scratch = new();
        string model = Small(scratch), text = scratch.Write("verse.txt", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(Verse, 12))));
        // The bytes of one and the other letter change places: the same text has other tokens.
        JsonNode other = JsonNode.Parse(ByteTokenizer.Files()["tokenizer.json"])!;
        JsonObject vocabulary = other["model"]!["vocab"]!.AsObject();
        (int e, int t) = ((int)vocabulary["e"]!, (int)vocabulary["t"]!);
        (vocabulary["e"], vocabulary["t"]) = (t, e);
        foreach ((string name, byte[] bytes) in ByteTokenizer.Files()) scratch.Write($"other/{name}", bytes);
        scratch.Write("other/tokenizer.json", Encoding.UTF8.GetBytes(other.ToJsonString()));
        File.WriteAllText(Path.Combine(model, "merges.txt"), "#version: 0.2\n");
        Succeeds("finetune", "--model", model, "--data", text, "--tokenizer", scratch["other"], "--out", scratch["run"], "--peft", "lora", "--rank", "2", "--epochs", "1", "--lr", "0.01");
        string adapter = scratch["run/last"];

        string Loss(params string[] more)
        {
            using JsonDocument measured = JsonDocument.Parse(Succeeds(["evaluate", "--data", text, "--json", .. more]).Output);
            return measured.RootElement.GetProperty("texts")[0].GetProperty("loss").GetRawText();
        }

        string expected = Loss("--model", model, "--adapter", adapter, "--tokenizer", scratch["other"]);
        Assert.NotEqual(expected, Loss("--model", model, "--adapter", adapter, "--tokenizer", model));
        Assert.Equal(expected, Loss("--model", model, "--adapter", adapter));
        string[] generate = ["generate", "--model", model, "--adapter", adapter, "--prompt", "the trees", "--max-tokens", "12"];
        Assert.Equal(Succeeds([.. generate, "--tokenizer", scratch["other"]]).Output, Succeeds(generate).Output);
        Succeeds("merge", "--model", model, "--adapter", adapter, "--out", scratch["merged"]);
        Assert.Equal(File.ReadAllBytes(scratch["other/tokenizer.json"]), File.ReadAllBytes(scratch["merged/tokenizer.json"]));
        Assert.False(File.Exists(scratch["merged/merges.txt"]), "a file of the model's own tokenizer stayed beside the other one");
        Succeeds("finetune", "--model", model, "--adapter", adapter, "--data", text, "--out", scratch["more"], "--epochs", "1");
        Assert.Equal(File.ReadAllBytes(scratch["other/tokenizer.json"]), File.ReadAllBytes(scratch["more/last/tokenizer.json"]));
    }

    [Fact]
    public void A_copy_of_the_tokenizer_beside_adapters_does_not_hide_what_config_json_says_of_the_end()
    {
        using Scratch scratch = new();
        string model = Small(scratch), text = Questions(scratch, "train.json", 24);
        foreach (string name in ByteTokenizer.Files().Keys.Where(name => name != "tokenizer.json")) File.Delete(Path.Combine(model, name));
        Assert.Equal(ByteTokenizer.EndId, Tokenizer.Load(model).EndId);
        Succeeds("finetune", "--model", model, "--data", text, "--out", scratch["run"], "--peft", "lora", "--rank", "2", "--epochs", "1");
        Assert.Null(Tokenizer.Load(scratch["run/last"]).EndId);
        string[] evaluate = ["evaluate", "--model", model, "--adapter", scratch["run/last"], "--data", text, "--limit", "4", "--json"];
        using JsonDocument found = JsonDocument.Parse(Succeeds(evaluate).Output), expected = JsonDocument.Parse(Succeeds([.. evaluate, "--tokenizer", model]).Output);
        Assert.Equal(expected.RootElement.GetProperty("sets")[0].GetProperty("perplexity").GetRawText(), found.RootElement.GetProperty("sets")[0].GetProperty("perplexity").GetRawText());
    }

    [Fact]
    public void A_base_without_a_head_is_refused_in_a_line_until_its_embedding_is_the_head()
    {
        using Scratch scratch = new();
        string text = scratch.Write("verse.txt", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(Verse, 12))));
        LlamaConfig config = ModelFolder.Load<Llama>(Small(scratch)).Model.Config with { TiedEmbeddings = false, HasHead = false };
        string folder = scratch["base"];
        ModelFolder.Save(new Llama(config, 1), folder, ByteTokenizer.Files());
        foreach (string[] arguments in (string[][])[["generate", "--prompt", "a"], ["evaluate", "--data", text], ["finetune", "--data", text, "--out", scratch["run"]], ["finetune", "--data", text, "--out", scratch["run"], "--peft", "lora"]])
            Fails(1, "without lm_head.weight", [.. arguments, "--model", folder]);
        Assert.Contains("Hugging Face LLaMA", Succeeds("inspect", folder).Output, StringComparison.Ordinal);
        Succeeds("convert", "--model", folder, "--dtype", "bfloat16", "--out", scratch["narrow"]);
        foreach (string name in (string[])["base", "narrow"])
        {
            string path = scratch[name + "/config.json"];
            File.WriteAllText(path, File.ReadAllText(path).Replace("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true", StringComparison.Ordinal));
            Succeeds("generate", "--model", scratch[name], "--prompt", "a", "--max-tokens", "4");
        }
    }

    [Theory]
    [InlineData("bfloat16")]
    [InlineData("float16")]
    public void Weights_of_16_bits_stay_so_unless_they_are_trained(string type)
    {
        using Scratch scratch = new();
        string text = scratch.Write("verse.txt", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(Verse, 12))));
        Succeeds("convert", "--model", Small(scratch), "--dtype", type, "--out", scratch["narrow"]);
        Succeeds("convert", "--model", scratch["narrow"], "--dtype", "float32", "--out", scratch["wide"]);
        Dictionary<string, string> answers = [], losses = [];
        foreach ((string name, string expected) in (ReadOnlySpan<(string, string)>)[("narrow", type), ("wide", "float32")])
        {
            using JsonDocument answer = JsonDocument.Parse(Succeeds("generate", "--model", scratch[name], "--prompt", "The sun", "--max-tokens", "16", "--json").Output);
            using JsonDocument measured = JsonDocument.Parse(Succeeds("evaluate", "--model", scratch[name], "--data", text, "--json").Output);
            Assert.Equal((expected, expected), (answer.RootElement.GetProperty("weights").GetString(), measured.RootElement.GetProperty("weights").GetString()));
            answers[name] = answer.RootElement.GetProperty("text").GetString()!;
            losses[name] = measured.RootElement.GetProperty("texts")[0].GetProperty("loss").GetRawText();
            Outcome adapted = Succeeds("finetune", "--model", scratch[name], "--data", text, "--out", scratch[name + "-lora"], "--peft", "lora", "--rank", "2", "--epochs", "1", "--lr", "0.01");
            Assert.Contains($"parameters in {expected},", adapted.Output, StringComparison.Ordinal);
            Succeeds("merge", "--model", scratch[name], "--adapter", scratch[name + "-lora/last"], "--out", scratch[name + "-merged"]);
        }

        Assert.Equal(answers["wide"], answers["narrow"]);
        Assert.Equal(losses["wide"], losses["narrow"]);
        Assert.Equal(File.ReadAllBytes(scratch["wide-lora/last/adapter_model.safetensors"]), File.ReadAllBytes(scratch["narrow-lora/last/adapter_model.safetensors"]));
        Outcome whole = Succeeds("finetune", "--model", scratch["narrow"], "--data", text, "--out", scratch["tuned"], "--epochs", "1", "--lr", "0.01");
        Assert.Contains("parameters in float32,", whole.Output, StringComparison.Ordinal);
        foreach (string saved in (string[])["narrow-merged", "tuned/last"])
        {
            using SafeTensors file = SafeTensors.Open(scratch[saved + "/model.safetensors"]), before = SafeTensors.Open(scratch["narrow/model.safetensors"]);
            Assert.Equal(before.Items.Values.Select(item => (item.Name, item.Type)), file.Items.Values.Select(item => (item.Name, item.Type)));
            Assert.NotEqual(before.Read("model.layers.0.self_attn.q_proj.weight").ToArray(), file.Read("model.layers.0.self_attn.q_proj.weight").ToArray());
        }

        // Merged in float32 and rounded once, whether the weights were widened or stayed in their file.
        Succeeds("convert", "--model", scratch["wide-merged"], "--dtype", type, "--out", scratch["rounded"]);
        using SafeTensors rounded = SafeTensors.Open(scratch["rounded/model.safetensors"]), merged = SafeTensors.Open(scratch["narrow-merged/model.safetensors"]);
        foreach (string name in merged.Items.Keys) Assert.Equal(rounded.Read(name).ToArray(), merged.Read(name).ToArray());
    }

    [Fact]
    public void Bad_texts_end_in_one_line_and_leave_nothing()
    {
        using Scratch scratch = new();
        string model = Small(scratch), good = Questions(scratch, "good.json", 4);
        string bad = scratch.Write("bad.json", "[{\"instruction\": \"a\"}]"u8), broken = scratch.Write("broken.json", "[\n{\"instruction\": \n"u8), empty = scratch.Write("empty.txt", []);
        string foreign = scratch.Write("foreign/tokenizer.json", ByteTokenizer.Files()["tokenizer.json"]);
        File.WriteAllText(foreign, File.ReadAllText(foreign).Replace("\"id\": 257", "\"id\": 999", StringComparison.Ordinal));
        Directory.CreateDirectory(scratch["none"]);
        string[] before = scratch.Contents();
        string[] Tune(string data, params string[] more) => ["finetune", "--model", model, "--data", data, "--out", scratch["run"], .. more];
        Fails(1, "entry 1: lacks \"output\"", Tune(bad));
        Fails(1, "line 3: not JSON", Tune(broken));
        Fails(1, "is empty", Tune(empty));
        Fails(1, "no such file", Tune(scratch["absent.json"]));
        Fails(1, "every prompt is longer than the cutoff of 20 tokens", Tune(good, "--cutoff", "20"));
        Fails(2, "the model's context is 320 tokens", Tune(good, "--cutoff", "2000"));
        Fails(2, "--template is 'nothing'", Tune(good, "--template", "nothing"));
        Fails(1, "the tokenizer has 1000 tokens, the model knows 258", Tune(good, "--tokenizer", Path.GetDirectoryName(foreign)!));
        Fails(2, "--image-size is for", Tune(good, "--image-size", "32"));
        Fails(1, "holds no NAME.json", "evaluate", "--model", model, "--data", scratch["none"]);
        Fails(2, "--limit is 0", "evaluate", "--model", model, "--data", good, "--limit", "0");
        Fails(2, "no multiple of 3 heads", "pretrain", "--family", "llama", "--data", empty, "--out", scratch["run"], "--width", "32", "--heads", "3");
        Assert.Equal(before, scratch.Contents());
    }
}
