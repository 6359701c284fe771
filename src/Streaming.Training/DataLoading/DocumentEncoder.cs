using Streaming.Inference;
using Streaming.Inference.Tokenizing;
using Streaming.Training.Corpora;

namespace Streaming.Training.DataLoading;

/// <summary>
/// Encodes texts as tokens: dialogues in the checkpoint's chat template (ChatML), prose as it is. Not thread-safe: the tokenizer caches
/// words.
/// </summary>
internal sealed class DocumentEncoder
{
    /// <summary>The control tokens that a vocabulary must have; a vocabulary trained here gives them the ids 0 to 3.</summary>
    public static readonly IReadOnlyList<string> ControlTokens = ["<|startoftext|>", "<|im_start|>", "<|im_end|>", "<|endoftext|>"];

    private readonly Tokenizer _tokenizer;
    private readonly int[] _lineEnd;

    /// <param name="tokenizer">The tokenizer.</param>
    /// <exception cref="InputException">The tokenizer lacks a control token that training needs.</exception>
    public DocumentEncoder(Tokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        int[] control =
        [
            .. ControlTokens.Select(token =>
                tokenizer.IdOf(token) is int id && tokenizer.IsControl(id)
                    ? id
                    : throw new InputException(
                        $"The tokenizer has no control token '{token}': use one with {string.Join(", ", ControlTokens)}, "
                            + "or leave --tokenizer out."
                    )
            ),
        ];
        (Bos, TurnStart, TurnEnd, EndOfText) = (control[0], control[1], control[2], control[3]);
        _lineEnd = tokenizer.Encode("\n", parseControl: false, addSpecial: false);
    }

    /// <summary>The start token, first in every sequence.</summary>
    public int Bos { get; }

    /// <summary>Opens a turn.</summary>
    public int TurnStart { get; }

    /// <summary>Ends a turn.</summary>
    public int TurnEnd { get; }

    /// <summary>Ends a text.</summary>
    public int EndOfText { get; }

    /// <summary>The number of token ids.</summary>
    public int VocabularySize => _tokenizer.Size;

    /// <summary>Encodes a dialogue. The loss counts the assistant's words and its end-of-turn tokens.</summary>
    /// <param name="turns">The turns.</param>
    /// <param name="ends">Whether the dialogue ends with its last turn; otherwise that turn stays open.</param>
    /// <param name="bothRoles">
    /// Whether the loss counts the user's words as well: in a dialogue between two people it is chance who has the assistant's role.
    /// </param>
    public Document Encode(IReadOnlyList<Turn> turns, bool ends = true, bool bothRoles = false)
    {
        (List<int>? ids, List<bool>? lossMask, List<int>? turnStarts, int prompt) = (new List<int>(), new List<bool>(), new List<int>(), 0);
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
            bool learnt = turn.Role == Turn.Assistant || (bothRoles && turn.Role == Turn.User),
                open = !ends && t == turns.Count - 1;
            int[] head = EncodeText(turn.Role + "\n"),
                all = EncodeText($"{turn.Role}\n{turn.Content}");
            // The role line and the reply are encoded as one string. If a merge joins them, none of the turn's tokens is learnt.
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

    /// <summary>Encodes a story or a part of a book; the loss counts all of it.</summary>
    public Document Encode(Prose prose)
    {
        int[] ids = [.. EncodeText(prose.Text), .. prose.Ends ? [EndOfText] : _lineEnd];
        bool[] lossMask = new bool[ids.Length];
        Array.Fill(lossMask, true);
        return new Document(ids, lossMask, [], Prompt: 0);
    }

    private int[] EncodeText(string text) => _tokenizer.Encode(text, parseControl: false, addSpecial: false);
}
