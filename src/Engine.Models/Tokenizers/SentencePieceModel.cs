using Google.Protobuf;
using Microsoft.ML.Tokenizers;

namespace Engine.Models;

/// <summary>A SentencePiece tokenizer.model (Kudo and Richardson 2018), byte pairs by score, read and encoded by Microsoft.ML.Tokenizers.</summary>
sealed class SentencePieceModel : Tokenizer
{
    public const string Name = "tokenizer.model";

    readonly LlamaTokenizer model;
    readonly AddedTokens added;
    readonly PieceDecoder decoder;

    SentencePieceModel(LlamaTokenizer model, IReadOnlyList<AddedToken> added, int? beginId, int? endId)
    {
        this.model = model;
        this.added = new AddedTokens(added);
        decoder = new PieceDecoder(model.Vocabulary, added, PieceSpelling.Marked, model.AddDummyPrefix);
        (BeginId, EndId) = (beginId, endId);
    }

    public override int VocabularySize => decoder.Size;

    public override int? BeginId { get; }

    public override int? EndId { get; }

    /// <param name="path">The file, for messages.</param>
    /// <param name="bytes">What is in it.</param>
    /// <param name="added">Tokens that were added beside it.</param>
    /// <param name="ends">Chooses begin and end among what the model itself says and the folder.</param>
    public static SentencePieceModel Read(string path, byte[] bytes, IReadOnlyList<AddedToken> added, Func<Func<string, int?>, int?, int?, (int? Begin, int? End)> ends)
    {
        IReadOnlyList<AddedToken> special = CheckPieces(path, bytes);
        LlamaTokenizer model;
        try
        {
            model = LlamaTokenizer.Create(new MemoryStream(bytes), addBeginOfSentence: false, addEndOfSentence: false);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or InvalidProtocolBufferException or FormatException or IndexOutOfRangeException or NotSupportedException)
        {
            throw new CheckpointException(path, $"is no SentencePiece model that can be read ({e.Message})", innerException: e);
        }
        List<AddedToken> all = [.. special];
        all.RemoveAll(token => added.Any(other => other.Id == token.Id));
        all.AddRange(added);
        AddedTokens table = new(all);
        (int? begin, int? end) = ends(content => table.Find(content) ?? (model.Vocabulary.TryGetValue(content, out int id) ? id : null),
            Known(model.BeginningOfSentenceToken, model.BeginningOfSentenceId), Known(model.EndOfSentenceToken, model.EndOfSentenceId));
        return new(model, all, begin, end);

        int? Known(string? piece, int id) => piece is not null && model.Vocabulary.TryGetValue(piece, out int found) && found == id ? id : null;
    }

    public override int[] Encode(string text, bool specialTokens)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<int> tokens = [];
        foreach (TextPart part in added.Split(BytePairTokenizer.WholeCharacters(text), specialTokens))
        {
            if (part.Id is { } id) tokens.Add(id);
            else tokens.AddRange(model.EncodeToIds(part.Text, addBeginningOfSentence: false, addEndOfSentence: false));
        }
        return [.. tokens];
    }

    public override string Decode(IReadOnlyList<int> tokens) => decoder.Decode(tokens);

    // The library does not tell control pieces from others, nor which kind of model it refuses. sentencepiece_model.proto:
    // ModelProto { repeated SentencePiece pieces = 1; TrainerSpec trainer_spec = 2; }, SentencePiece { string piece = 1; float score = 2; Type type = 3; },
    // TrainerSpec { ModelType model_type = 3; }, ModelType { UNIGRAM = 1; BPE = 2; WORD = 3; CHAR = 4; }.
    static List<AddedToken> CheckPieces(string path, byte[] bytes)
    {
        List<AddedToken> special = [];
        int pieces = 0, kind = Unigram;
        try
        {
            CodedInputStream file = new(bytes);
            for (uint tag; (tag = file.ReadTag()) != 0;)
            {
                if (tag == Delimited(1)) Piece(file.ReadBytes().CreateCodedInput());
                else if (tag == Delimited(2)) kind = ModelType(file.ReadBytes().CreateCodedInput());
                else file.SkipLastField();
            }
        }
        catch (InvalidProtocolBufferException e)
        {
            throw NoModel(e.Message, e);
        }
        if (pieces == 0) throw NoModel("it has no pieces");
        return kind == BytePair ? special
            : throw new CheckpointException(path, $"SentencePiece model of type {(kind is > 0 and <= 4 ? Kinds[kind] : kind)} is not supported; BPE is");

        // A model has scores, and those zero bytes.
        CheckpointException NoModel(string why, Exception? inner = null) => new(path, bytes.Length > 0 && !bytes.Contains((byte)0)
            ? "is text, perhaps a tiktoken vocabulary or a Git LFS pointer, not a SentencePiece model; fetch tokenizer.json of the Hugging Face form"
            : $"is no SentencePiece model ({why})", innerException: inner);

        void Piece(CodedInputStream piece)
        {
            string content = "";
            int type = 1;
            for (uint tag; (tag = piece.ReadTag()) != 0;)
            {
                if (tag == Delimited(1)) content = piece.ReadString();
                else if (tag == Varint(3)) type = piece.ReadInt32();
                else piece.SkipLastField();
            }
            if (type is Unknown or Control && content.Length > 0) special.Add(new(pieces, content, Special: true));
            pieces++;
        }

        static int ModelType(CodedInputStream trainer)
        {
            int kind = Unigram;
            for (uint tag; (tag = trainer.ReadTag()) != 0;)
            {
                if (tag == Varint(3)) kind = trainer.ReadInt32();
                else trainer.SkipLastField();
            }
            return kind;
        }
    }

    const int Unigram = 1, BytePair = 2;            // ModelType
    const int Unknown = 2, Control = 3;             // SentencePiece.Type
    static readonly string[] Kinds = ["", "Unigram", "BPE", "Word", "Char"];

    static uint Delimited(int field) => (uint)field << 3 | 2;

    static uint Varint(int field) => (uint)field << 3;
}
