using Engine.Tensors;

namespace Engine.Models.Tests;

public sealed class TextStreamTests
{
    static readonly CharacterTokenizer Tokenizer = new("END", "ab", "cd", "né");

    [Fact]
    public void A_character_comes_when_its_last_byte_is_there()
    {
        TextStream stream = new(Tokenizer, [1], []);
        string[] pieces = [.. Tokenizer.Encode("aé€😀!").Select(stream.Add)];
        Assert.Equal(["a", "", "é", "", "", "€", "", "", "", "😀", "!"], pieces);
        Assert.Equal("", stream.Finish());
    }

    [Fact]
    public void Half_a_character_at_the_end_is_said_to_be_broken()
    {
        TextStream stream = new(Tokenizer, [1], []);
        string shown = string.Concat(Tokenizer.Encode("a€")[..3].Select(stream.Add));
        Assert.Equal("a", shown);
        Assert.Equal("\uFFFD", stream.Finish());
    }

    [Fact]
    public void Bytes_that_are_no_characters_do_not_hold_up_what_follows()
    {
        TextStream stream = new(Tokenizer, [1], []);
        int[] tokens = [.. Enumerable.Repeat(0xff + 3, 10), .. Tokenizer.Encode("ok")];
        string shown = string.Concat(tokens.Select(stream.Add)) + stream.Finish();
        Assert.Equal(Tokenizer.Decode(tokens), shown);
    }

    [Theory]
    [InlineData("hello STOP world", "STOP", "hello ")]
    [InlineData("hello STO world", "STOP", "hello STO world")]
    [InlineData("hello STOSTOP", "STOP", "hello STO")]
    [InlineData("aaaaab", "aab", "aaa")]
    [InlineData("STOP", "STOP", "")]
    [InlineData("x\n\ny", "\n\n", "x")]
    [InlineData("ends with ST", "STOP", "ends with ST")]
    [InlineData("né€STé", "€S", "né")]
    public void Nothing_of_a_stop_text_is_shown(string text, string stop, string expected)
    {
        TextStream stream = new(Tokenizer, [1], [stop]);
        string shown = "";
        foreach (int token in Tokenizer.Encode(text))
        {
            shown += stream.Add(token);
            Assert.StartsWith(shown, expected, StringComparison.Ordinal);
            if (stream.Stopped) break;
        }

        Assert.Equal(expected, shown + stream.Finish());
        Assert.Equal(text.Contains(stop, StringComparison.Ordinal), stream.Stopped);
    }

    [Fact]
    public void Stop_texts_inside_a_token_and_across_tokens_end_the_answer()
    {
        TextStream inside = new(Tokenizer, [1], ["N"]);
        Assert.Equal("xE", inside.Add('x' + 3) + inside.Add(Tokenizer.Word("END")));
        Assert.True(inside.Stopped);
        TextStream across = new(Tokenizer, [1], ["zz", "bc"]);
        Assert.Equal("a", across.Add(Tokenizer.Word("ab")));
        Assert.Equal("", across.Add(Tokenizer.Word("cd")));
        Assert.True(across.Stopped);
        Assert.Equal("", across.Finish());
    }

    [Fact]
    public void The_earliest_of_several_stop_texts_counts()
    {
        TextStream stream = new(Tokenizer, [1], ["cd", "abc"]);
        Assert.Equal("x", string.Concat(Tokenizer.Encode("xabcd").TakeWhile(_ => !stream.Stopped).Select(stream.Add)));
    }

    [Fact]
    public void What_the_prompt_ends_with_is_no_part_of_the_answer()
    {
        TextStream stream = new(Tokenizer, [1, .. Tokenizer.Encode("STO")], ["STOP"]);
        Assert.Equal("P!", string.Concat(Tokenizer.Encode("P!").Select(stream.Add)) + stream.Finish());
    }

    [Fact]
    public void Any_tokens_in_any_order_give_their_text()
    {
        Philox random = new(5);
        for (int attempt = 0; attempt < 300; attempt++)
        {
            int[] tokens = [.. Enumerable.Range(0, 40).Select(i => random.Below((ulong)(attempt * 40 + i), 10) < 7
                ? new[] { 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 'a' }[random.Below((ulong)(attempt * 40 + i + 100000), 8)] + 3
                : 259 + random.Below((ulong)(attempt * 40 + i + 200000), 4))];
            TextStream stream = new(Tokenizer, [1], []);
            Assert.Equal(Tokenizer.Decode(tokens), string.Concat(tokens.Select(stream.Add)) + stream.Finish());
        }
    }
}
