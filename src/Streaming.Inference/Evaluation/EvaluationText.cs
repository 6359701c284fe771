using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Evaluation;

/// <summary>
/// A text as a stream of tokens: the start token, if the tokenizer has one, and the text's tokens.
/// </summary>
public sealed class EvaluationText
{
    private EvaluationText(int? bos, int[] stream)
    {
        Bos = bos;
        Stream = stream;
    }

    /// <summary>The start token, first in the stream; null if the tokenizer has none.</summary>
    public int? Bos { get; }

    /// <summary>Number of predicted tokens: all but the stream's first.</summary>
    public int Predicted => Stream.Length - 1;

    /// <summary>All tokens in order.</summary>
    internal int[] Stream { get; }

    /// <summary>Encodes a text. It cannot produce control tokens.</summary>
    /// <param name="tokenizer">The checkpoint's tokenizer.</param>
    /// <param name="text">The text.</param>
    /// <param name="tokens">Maximum number of tokens to predict; null for all.</param>
    /// <param name="repeat">Whether to repeat a text that has fewer than <paramref name="tokens"/>.</param>
    /// <exception cref="InputException">There is nothing to predict.</exception>
    public static EvaluationText Of(Tokenizer tokenizer, string text, int? tokens = null, bool repeat = false)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        int[] ids = tokenizer.Encode(text, parseControl: false, addSpecial: false);
        return Of(tokenizer.BosId, ids, tokens, repeat);
    }

    /// <summary>A stream of ids; all but the first are predicted.</summary>
    /// <exception cref="InputException">There is nothing to predict.</exception>
    public static EvaluationText OfStream(ReadOnlySpan<int> ids) => Of(bos: null, ids.ToArray());

    internal static EvaluationText Of(int? bos, int[] ids, int? tokens = null, bool repeat = false)
    {
        int before = bos is null ? 0 : 1; // without a start token, the first token is not predicted
        if (ids.Length + before < 2)
            throw new InputException("The text has no token to predict: give a longer one.");
        long wanted = tokens is int most ? (long)most + 1 - before : ids.Length;
        long length = repeat ? wanted : Math.Min(wanted, ids.Length);
        if (length + before > Array.MaxLength)
            throw new InputException($"{length} tokens are too many for one run: take at most {Array.MaxLength - 1}.");
        int[] stream = new int[before + length];
        if (bos is int first)
            stream[0] = first;
        for (long at = 0; at < length; at += ids.Length)
            ids.AsSpan(0, (int)Math.Min(ids.Length, length - at)).CopyTo(stream.AsSpan(before + (int)at));
        return new EvaluationText(bos, stream);
    }
}
