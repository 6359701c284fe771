using Streaming.Inference;
using Streaming.Inference.Tokenizing;
using Streaming.Training.Corpora;

namespace Streaming.Training.DataLoading;

/// <summary>
/// Writes texts as tokens: dialogues as the checkpoint's chat template does (ChatML), prose as it is. Not safe for several
/// threads: it remembers how words are spelt.
/// </summary>
internal sealed class DocumentEncoder
{
    /// <summary>The control tokens that a vocabulary must have, in the order of their ids where it is learnt here.</summary>
    public static readonly IReadOnlyList<string> ControlTokens = ["<|startoftext|>", "<|im_start|>", "<|im_end|>", "<|endoftext|>"];

    private readonly Tokenizer _tokenizer;
    private readonly int[] _lineEnd;

    /// <param name="tokenizer">The vocabulary.</param>
    /// <exception cref="InputException">It lacks a control token that training needs.</exception>
    public DocumentEncoder(Tokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        int[] control =
        [
            .. ControlTokens.Select(token =>
                tokenizer.IdOf(token) is int id && tokenizer.IsControl(id)
                    ? id
                    : throw new InputException(
                        $"The tokenizer has no control token '{token}': use one with {string.Join(", ", ControlTokens)}, or leave --tokenizer out."
                    )
            ),
        ];
        (Bos, TurnStart, TurnEnd, EndOfText) = (control[0], control[1], control[2], control[3]);
        _lineEnd = tokenizer.Encode("\n", parseControl: false, addSpecial: false);
    }

    /// <summary>The token that every sequence begins with.</summary>
    public int Bos { get; }

    /// <summary>Opens a turn.</summary>
    public int TurnStart { get; }

    /// <summary>Ends a turn.</summary>
    public int TurnEnd { get; }

    /// <summary>Ends a text.</summary>
    public int EndOfText { get; }

    /// <summary>Ids up to this one, exclusive.</summary>
    public int VocabularySize => _tokenizer.Size;

    /// <summary>A dialogue. The assistant's words are learnt, with the end of its turns.</summary>
    /// <param name="turns">Its turns.</param>
    /// <param name="ends">Whether it is over with its last turn; otherwise that turn stays open.</param>
    /// <param name="both">Whether the other one's words are learnt as well: two people talk, and who counts as the assistant is chance.</param>
    public Document Encode(IReadOnlyList<Turn> turns, bool ends = true, bool both = false)
    {
        var (ids, lossMask, turnStarts, prompt) = (new List<int>(), new List<bool>(), new List<int>(), 0);
        void Add(bool learnt, params ReadOnlySpan<int> tokens)
        {
            ids.AddRange(tokens);
            for (int i = 0; i < tokens.Length; i++)
                lossMask.Add(learnt);
        }

        for (int t = 0; t < turns.Count; t++)
        {
            Turn turn = turns[t];
            if (turn.Role == Turn.User)
                turnStarts.Add(ids.Count);
            bool learnt = turn.Role == Turn.Assistant || (both && turn.Role == Turn.User),
                open = !ends && t == turns.Count - 1;
            int[] head = EncodeText(turn.Role + "\n"),
                all = EncodeText($"{turn.Role}\n{turn.Content}");
            // The template's words and the reply are one string to the tokenizer; a merge across them would leave nothing to tell apart.
            int said = all.AsSpan().StartsWith(head) ? head.Length : all.Length;
            Add(false, TurnStart);
            Add(false, all.AsSpan(0, said));
            Add(learnt, all.AsSpan(said));
            if (open)
                break;
            Add(learnt, TurnEnd);
            Add(false, _lineEnd);
            if (turn.Role == Turn.System && t == 0)
                prompt = ids.Count;
        }
        if (ends)
            Add(false, EndOfText);
        return new Document([.. ids], [.. lossMask], [.. turnStarts], prompt);
    }

    /// <summary>A story, or a part of a book; all of it is learnt.</summary>
    public Document Encode(Prose prose)
    {
        int[] ids = [.. EncodeText(prose.Text), .. prose.Ends ? [EndOfText] : _lineEnd];
        bool[] lossMask = new bool[ids.Length];
        Array.Fill(lossMask, true);
        return new Document(ids, lossMask, [], Prompt: 0);
    }

    private int[] EncodeText(string text) => _tokenizer.Encode(text, parseControl: false, addSpecial: false);
}
