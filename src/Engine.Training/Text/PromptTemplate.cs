namespace Engine.Training;

/// <summary>How an instruction and its input become the text before the answer.</summary>
/// <param name="WithInput">The text where there is an input; <c>{instruction}</c> and <c>{input}</c> are filled in.</param>
/// <param name="WithoutInput">The text where there is none.</param>
public sealed record PromptTemplate(string WithInput, string WithoutInput)
{
    const string Instruction = "{instruction}", Input = "{input}";

    /// <summary>Alpaca's (Taori et al. 2023), which LLM-Adapters (Hu et al. 2023) is after.</summary>
    public static PromptTemplate Alpaca { get; } = new(
        "Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request.\n\n" +
        "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n",
        "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n### Instruction:\n{instruction}\n\n### Response:\n");

    /// <summary>
    /// LLM-Adapters' to the letter (finetune.py): Alpaca's with the source's indentation, and a comment that got into the text.
    /// Adapters that were trained with that code have seen this.
    /// </summary>
    public static PromptTemplate LlmAdapters { get; } = new(Indented(Alpaca.WithInput), Indented(Alpaca.WithoutInput));

    static string Indented(string template)
    {
        string[] lines = template.Split('\n');
        lines[0] += "  # noqa: E501";
        for (int i = 2; i < lines.Length; i++) lines[i] = new string(' ', 16) + lines[i];
        return string.Join('\n', lines);
    }

    /// <summary>A template from a file, its text as it is but for one line break at the end; a line break that is wanted there is written twice.</summary>
    /// <exception cref="DatasetException">The file cannot be read, or has no place for the instruction.</exception>
    public static PromptTemplate Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string text = System.Text.Encoding.UTF8.GetString(InstructionFile.ReadBytes(path)).TrimStart('\ufeff').ReplaceLineEndings("\n");
        if (text.EndsWith('\n')) text = text[..^1];
        if (!text.Contains(Instruction, StringComparison.Ordinal))
            throw new DatasetException(path, $"has no {Instruction}, where the task is to stand; {Input} may follow");
        return new(text, text);
    }

    /// <summary>The text before the answer.</summary>
    public string Of(InstructionExample example)
    {
        ArgumentNullException.ThrowIfNull(example);
        string template = example.Input.Length > 0 ? WithInput : WithoutInput;
        // In one pass, so that an instruction that spells {input} stays what it is.
        System.Text.StringBuilder text = new();
        for (int at = 0; at < template.Length;)
        {
            if (string.CompareOrdinal(template, at, Instruction, 0, Instruction.Length) == 0) at += Put(example.Instruction, Instruction);
            else if (string.CompareOrdinal(template, at, Input, 0, Input.Length) == 0) at += Put(example.Input, Input);
            else text.Append(template[at++]);
        }

        return text.ToString();

        int Put(string value, string place)
        {
            text.Append(value);
            return place.Length;
        }
    }
}
