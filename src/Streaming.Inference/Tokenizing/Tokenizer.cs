using System.Text;
using Streaming.Inference.Checkpoints;

namespace Streaming.Inference.Tokenizing;

/// <summary>
/// A checkpoint's tokenizer, read from <c>tokenizer.json</c>: byte-pair encoding, byte-level or SentencePiece's with byte fallback.
/// Immutable and thread-safe.
/// </summary>
public sealed class Tokenizer : IVocabulary
{
    private readonly AddedTokens _added;
    private readonly Normalizer _normalizer;
    private readonly PreTokenizer _preTokenizer;
    private readonly BpeModel _model;
    private readonly PostProcessor _postProcessor;
    private readonly Dictionary<string, int> _ids;
    private readonly ReadOnlyMemory<byte>[] _bytes; // by id; empty for control tokens and gaps
    private readonly ReadOnlyMemory<byte>[] _firstBytes; // the same where the token is the first of a text
    private readonly HashSet<int> _control;

    private Tokenizer(ConfigReader file, ConfigReader? config)
    {
        _normalizer = Normalizer.Read(file.SectionIfPresent("normalizer"));
        _added = AddedTokens.Read(file, _normalizer);
        _preTokenizer = PreTokenizer.Read(file.SectionIfPresent("pre_tokenizer"));
        HashSet<string> control = [.. _added.All.Where(t => t.Special).Select(t => t.Content)];
        _model = BpeModelReader.Read(file.Section("model"), _preTokenizer.ByteLevel, control, out _ids);
        var decoder = TokenDecoder.Read(file.SectionIfPresent("decoder"), _preTokenizer.ByteLevel);
        StripsLeadingSpace = decoder.StripsLeadingSpace;

        foreach (AddedToken token in _added.All)
            _ids[token.Content] = token.Id;
        _postProcessor = PostProcessor.Read(file.SectionIfPresent("post_processor")).With(config, IdOf);
        int size = _ids.Count == 0 ? 0 : _ids.Values.Max() + 1;
        if (size > MaxTokens)
            throw file.Wrong("model", $"a vocabulary whose ids are below {MaxTokens}");
        _bytes = new ReadOnlyMemory<byte>[size];
        foreach ((string token, int id) in _ids)
            _bytes[id] = decoder.BytesOf(token, isFirst: false);
        foreach (AddedToken token in _added.All) // the last word on an id that two texts have
            _bytes[token.Id] = token.Special ? default : decoder.BytesOf(token.Content, isFirst: false);
        _firstBytes = _bytes;
        _control = [.. _added.All.Where(t => t.Special).Select(t => t.Id)];
        if (StripsLeadingSpace)
        {
            _firstBytes = [.. _bytes];
            foreach ((string token, int id) in _ids.Where(entry => !_control.Contains(entry.Value)))
                _firstBytes[id] = decoder.BytesOf(token, isFirst: true);
        }
        foreach (int id in (int[])[.. _postProcessor.Before, .. _postProcessor.After])
        {
            if (id >= size)
                throw file.Wrong("post_processor", $"made of tokens of the vocabulary (there is no token {id})");
        }
    }

    private const int MaxTokens = 10_000_000;

    /// <summary>The largest id + 1.</summary>
    public int Size => _bytes.Length;

    /// <summary>The token that <see cref="Encode"/> prepends; null if the post-processor has none.</summary>
    public int? BosId => _postProcessor.Before is [int first, ..] ? first : null;

    /// <summary>
    /// Whether <see cref="Decode"/> removes the space before the first word, as SentencePiece does; <see cref="FirstBytesOf"/> lacks it.
    /// </summary>
    public bool StripsLeadingSpace { get; }

    /// <summary>Loads the tokenizer of a checkpoint's folder.</summary>
    /// <exception cref="InputException">It is absent, damaged or not supported.</exception>
    public static Tokenizer Load(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
            throw new InputException($"The model folder '{folder}' does not exist: name a folder with a tokenizer.json.");
        return new Tokenizer(ConfigReader.Open(folder, "tokenizer.json"), ConfigReader.OpenIfPresent(folder, "tokenizer_config.json"));
    }

    /// <summary>Loads a checkpoint's tokenizer.</summary>
    /// <exception cref="InputException">It is absent, damaged or not supported, or has more tokens than the model.</exception>
    public static Tokenizer Load(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        Tokenizer tokenizer = Load(checkpoint.Folder);
        int modelSize = checkpoint.Config.VocabularySize;
        return tokenizer.Size <= modelSize
            ? tokenizer
            : throw new InputException(
                $"'{checkpoint.Folder}': the tokenizer has {tokenizer.Size} tokens and the model only {modelSize}: "
                    + "use the files of one checkpoint."
            );
    }

    /// <summary>Encodes a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="parseControl">
    /// Whether the text of an added token (control tokens included) becomes that token; never for user text.
    /// </param>
    /// <param name="addSpecial">Whether to add the post-processor's tokens, usually BOS.</param>
    /// <exception cref="InputException">The text has an unpaired surrogate.</exception>
    public int[] Encode(string text, bool parseControl, bool addSpecial)
    {
        ArgumentNullException.ThrowIfNull(text);
        UnicodeText.Require(text, "The text");
        var ids = new List<int>();
        if (addSpecial)
            ids.AddRange(_postProcessor.Before);
        if (parseControl)
        {
            foreach ((Range section, AddedToken? token) in _added.SplitRaw(text))
            {
                EncodeSection(text[section], ids, section.Start.Value == 0 ? SectionStart.Text : SectionStart.AfterToken);
                if (token is not null)
                    ids.Add(token.Id);
            }
        }
        else
        {
            EncodePlain(text, ids, SectionStart.Text);
        }
        if (addSpecial)
            ids.AddRange(_postProcessor.After);
        return [.. ids];
    }

    /// <summary>Decodes ids. Control tokens have no text, and invalid bytes become U+FFFD.</summary>
    public string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        using var bytes = new MemoryStream();
        bool isFirst = true;
        foreach (int id in ids.Where(id => !IsControl(id)))
        {
            bytes.Write((isFirst ? FirstBytesOf(id) : BytesOf(id)).Span);
            isFirst = false;
        }
        return Encoding.UTF8.GetString(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> BytesOf(int id) => id >= 0 && id < _bytes.Length ? _bytes[id] : default;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FirstBytesOf(int id) => id >= 0 && id < _firstBytes.Length ? _firstBytes[id] : default;

    /// <inheritdoc/>
    public IEnumerable<int?> PartsOf(string text)
    {
        foreach ((Range plain, AddedToken? token) in _added.Split(text))
        {
            if (!text[plain].AsSpan().IsEmpty)
                yield return null;
            if (token is not null)
                yield return token.Special ? token.Id : null;
        }
    }

    /// <summary>Ids of control tokens: the special added tokens.</summary>
    public IReadOnlyCollection<int> ControlIds => _control;

    /// <summary>Whether an id is a control token, which has no text and which user text cannot produce.</summary>
    public bool IsControl(int id) => _control.Contains(id);

    /// <summary>The id of a token by its text in the vocabulary; null if there is none.</summary>
    public int? IdOf(string token) => _ids.TryGetValue(token, out int id) ? id : null;

    /// <summary>The added tokens.</summary>
    internal AddedTokens Added => _added;

    /// <summary>Encodes text without matching added tokens.</summary>
    /// <param name="text">A text, or the part of it between two added tokens.</param>
    /// <param name="ids">The list that its ids are appended to.</param>
    /// <param name="start">What comes before it.</param>
    internal void EncodePlain(string text, List<int> ids, SectionStart start) => EncodeNormal(_normalizer.Apply(text, start), ids, start);

    /// <summary>Encodes what two added tokens that are not normalized have between them.</summary>
    private void EncodeSection(string text, List<int> ids, SectionStart start)
    {
        string normal = _normalizer.Apply(text, start);
        foreach ((Range plain, AddedToken? token) in _added.SplitNormalized(normal))
        {
            EncodeNormal(normal[plain], ids, plain.Start.Value == 0 ? start : SectionStart.AfterToken);
            if (token is not null)
                ids.Add(token.Id);
        }
    }

    private void EncodeNormal(string text, List<int> ids, SectionStart start)
    {
        if (text.Length == 0)
            return;
        foreach (string piece in _preTokenizer.Split(text, start))
            _model.Encode(piece, ids);
    }
}
