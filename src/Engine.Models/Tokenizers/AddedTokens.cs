namespace Engine.Models;

/// <summary>A token that was added beside the trained vocabulary and is found in a text before anything else.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Content">How it is spelled.</param>
/// <param name="Special">Begin, end and their like: only recognised where asked, and no text when decoded.</param>
/// <param name="TakesLeft">White space before it belongs to it.</param>
/// <param name="TakesRight">White space after it belongs to it.</param>
readonly record struct AddedToken(int Id, string Content, bool Special, bool TakesLeft = false, bool TakesRight = false);

/// <summary>A stretch of text, or an added token found in it.</summary>
readonly record struct TextPart(string Text, int? Id);

/// <summary>The added tokens of a tokenizer.</summary>
sealed class AddedTokens
{
    readonly Dictionary<char, AddedToken[]> byFirst;        // longest first, so that <|end|> does not hide <|end|>2
    readonly Dictionary<int, AddedToken> byId = [];

    public AddedTokens(IEnumerable<AddedToken> tokens)
    {
        foreach (AddedToken token in tokens) byId[token.Id] = token;
        byFirst = byId.Values.GroupBy(token => token.Content[0])
            .ToDictionary(group => group.Key, group => group.OrderByDescending(token => token.Content.Length).ThenBy(token => token.Id).ToArray());
    }

    public AddedToken? Find(int id) => byId.TryGetValue(id, out AddedToken token) ? token : null;

    public int? Find(string content)
    {
        if (content.Length == 0 || !byFirst.TryGetValue(content[0], out AddedToken[]? candidates)) return null;
        foreach (AddedToken token in candidates)
            if (token.Content == content) return token.Id;
        return null;
    }

    /// <summary>Cuts a text at the added tokens in it; no part is empty.</summary>
    public List<TextPart> Split(string text, bool specialTokens)
    {
        List<TextPart> parts = [];
        int begin = 0;
        for (int at = 0; at < text.Length;)
        {
            if (Match(text, at, specialTokens) is not { } token)
            {
                at++;
                continue;
            }
            int left = at, right = at + token.Content.Length;
            while (token.TakesLeft && left > begin && char.IsWhiteSpace(text[left - 1])) left--;
            while (token.TakesRight && right < text.Length && char.IsWhiteSpace(text[right])) right++;
            if (left > begin) parts.Add(new(text[begin..left], null));
            parts.Add(new(token.Content, token.Id));
            begin = at = right;
        }
        if (begin < text.Length) parts.Add(new(text[begin..], null));
        return parts;
    }

    AddedToken? Match(string text, int at, bool specialTokens)
    {
        if (!byFirst.TryGetValue(text[at], out AddedToken[]? candidates)) return null;
        foreach (AddedToken token in candidates)
            if ((specialTokens || !token.Special) && string.CompareOrdinal(text, at, token.Content, 0, token.Content.Length) == 0) return token;
        return null;
    }
}
