namespace Engine.Training.Tests;

/// <summary>Instruction data and prompt templates from files, good and bad.</summary>
public sealed class InstructionFileTests : IDisposable
{
    readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    IReadOnlyList<InstructionExample> Read(string text)
    {
        File.WriteAllText(path, text);
        return InstructionFile.Read(path);
    }

    [Theory]
    [InlineData("""[{"instruction": "Add.", "input": "1 2", "output": "3"}, {"output": "yes", "instruction": "Is it?", "answer": "yes", "other": 1}]""")]
    [InlineData("\ufeff\n[{\"instruction\": \"Add.\", \"input\": \"1 2\", \"output\": \"3\", \"answer\": null},\n{\"instruction\": \"Is it?\", \"input\": \"\", \"output\": \"yes\", \"answer\": \"yes\"}]\n")]
    [InlineData("{\"instruction\": \"Add.\", \"input\": \"1 2\", \"output\": \"3\"}\n\n{\"instruction\": \"Is it?\", \"output\": \"yes\", \"answer\": \"yes\"}\r\n")]
    public void Lists_and_lines_give_the_same_examples(string text) =>
        Assert.Equal([new("Add.", "1 2", "3"), new("Is it?", "", "yes", "yes")], Read(text));

    [Theory]
    [InlineData("", "is empty")]
    [InlineData(" \n", "is empty")]
    [InlineData("[]", "holds no example")]
    [InlineData("instruction,output\na,b", "begins with neither [ nor {")]
    [InlineData("[{\"instruction\": \"a\", \"output\": \"b\"},\n {\"instruction\": \"a\" \"output\"", "line 2: not JSON")]
    [InlineData("{\"instruction\": \"a\", \"output\": \"b\"}\n{\"instruction\": \"a\",\n\"output\": \"b\"}", "line 2: not a whole JSON object")]
    [InlineData("[{\"instruction\": \"a\", \"output\": \"b\"}, {\"instruction\": \"a\"}]", "entry 2: lacks \"output\"")]
    [InlineData("{\"instruction\": \"a\", \"output\": \"b\"}\n{\"output\": \"a\"}", "line 2: lacks \"instruction\"")]
    [InlineData("[{\"instruction\": \"a\", \"output\": 7}]", "entry 1: \"output\" must be a text, found Number")]
    [InlineData("[3]", "entry 1: must be an object")]
    [InlineData("[{\"instruction\": \"\\ud800\", \"output\": \"b\"}]", "\"instruction\" is no Unicode")]
    public void Bad_files_are_refused_in_one_line(string text, string problem)
    {
        DatasetException fault = Assert.Throws<DatasetException>(() => Read(text));
        Assert.Contains(problem, fault.Message);
        Assert.StartsWith(path, fault.Message);
        Assert.DoesNotContain('\n', fault.Message);
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_said() =>
        Assert.Equal((true, true), (Says(path + ".absent", "no such file"), Says(Path.GetTempPath(), "is a folder")));

    static bool Says(string path, string problem) => Assert.Throws<DatasetException>(() => InstructionFile.Read(path)).Message.Contains(problem);

    // ---- templates

    [Fact]
    public void The_alpaca_template_is_the_published_one()
    {
        Assert.Equal(
            "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n### Instruction:\nGo.\n\n### Response:\n",
            PromptTemplate.Alpaca.Of(new("Go.", "", "x")));
        Assert.Equal(
            "Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request.\n\n" +
            "### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### Response:\n",
            PromptTemplate.Alpaca.Of(new("Add.", "1 2", "3")));
    }

    [Fact]
    public void The_llm_adapters_template_keeps_the_source_s_indentation_and_comment()
    {
        string indent = new(' ', 16);
        Assert.Equal(
            "Below is an instruction that describes a task. Write a response that appropriately completes the request.  # noqa: E501\n\n" +
            $"{indent}### Instruction:\n{indent}Go.\n{indent}\n{indent}### Response:\n{indent}",
            PromptTemplate.LlmAdapters.Of(new("Go.", "", "x")));
    }

    [Fact]
    public void A_template_file_is_filled_in_once()
    {
        File.WriteAllText(path, "Q: {instruction} [{input}]\nA:\n");
        PromptTemplate template = PromptTemplate.Read(path);
        Assert.Equal("Q: what is {input}? [7]\nA:", template.Of(new("what is {input}?", "7", "x")));
        File.WriteAllText(path, "no place");
        Assert.Contains("has no {instruction}", Assert.Throws<DatasetException>(() => PromptTemplate.Read(path)).Message);
    }
}
