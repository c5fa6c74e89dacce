namespace Engine.Models;

/// <summary>
/// Byte-pair encoding (Sennrich et al. 2016): of all neighbours that may be merged, the pair that was learned first is
/// merged, the leftmost where there are several, until none is left.
/// </summary>
/// <remarks>
/// Microsoft.ML.Tokenizers' BpeTokenizer cannot take what many tokenizer.json files hold: ignore_merges (LLaMA 3), byte_fallback
/// (LLaMA 2), text between the matches of a split pattern, merges whose result differs from both parts put together. So the
/// merging is here; a test compares the two where both apply.
/// </remarks>
sealed class BytePairs
{
    readonly Dictionary<long, (int Rank, int Result)> merges;

    /// <param name="merges">The pairs in the order they were learned, with what they become.</param>
    public BytePairs(IReadOnlyList<(int Left, int Right, int Result)> merges)
    {
        this.merges = new(merges.Count);
        for (int rank = 0; rank < merges.Count; rank++)
            this.merges.TryAdd(Key(merges[rank].Left, merges[rank].Right), (rank, merges[rank].Result));
    }

    /// <summary>Merges the tokens of one word. n log n, since a whole text may be one word.</summary>
    /// <param name="tokens">Its tokens before any merge; changed.</param>
    /// <param name="result">Where the tokens after all merges are added.</param>
    public void Merge(Span<int> tokens, List<int> result)
    {
        int count = tokens.Length;
        if (count < 2 || merges.Count == 0)
        {
            foreach (int token in tokens) result.Add(token);
            return;
        }
        int[] next = new int[count], previous = new int[count];     // -1 as next of a token that was merged away: Gone
        PriorityQueue<(int At, int Left, int Right, int Result), (int Rank, int At)> queue = new();
        for (int i = 0; i < count; i++) (next[i], previous[i]) = (i + 1, i - 1);
        for (int i = 0; i + 1 < count; i++) Offer(tokens, i, i + 1);
        while (queue.TryDequeue(out var pair, out _))
        {
            (int at, int right) = (pair.At, next[pair.At]);
            // A pair that was offered is out of date once one of its tokens has been merged with another neighbour.
            if (right == Gone || right >= count || tokens[at] != pair.Left || tokens[right] != pair.Right) continue;
            tokens[at] = pair.Result;
            int after = next[at] = next[right];
            next[right] = Gone;
            if (after < count)
            {
                previous[after] = at;
                Offer(tokens, at, after);
            }
            if (previous[at] >= 0) Offer(tokens, previous[at], at);
        }
        for (int i = 0; i < count; i = next[i]) result.Add(tokens[i]);

        void Offer(Span<int> tokens, int left, int right)
        {
            if (merges.TryGetValue(Key(tokens[left], tokens[right]), out var merge))
                queue.Enqueue((left, tokens[left], tokens[right], merge.Result), (merge.Rank, left));
        }
    }

    const int Gone = -1;

    static long Key(int left, int right) => ((long)left << 32) | (uint)right;
}
