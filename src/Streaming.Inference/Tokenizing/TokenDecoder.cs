using System.Text;
using Streaming.Inference.Checkpoints;

namespace Streaming.Inference.Tokenizing;

/// <summary>A tokenizer's <c>decoder</c>, which converts tokens to bytes.</summary>
internal sealed class TokenDecoder
{
    private readonly bool _byteLevel;
    private bool _byteFallback;
    private readonly List<(string From, string To)> _replacements = [];

    private TokenDecoder(bool byteLevel) => _byteLevel = byteLevel;

    /// <summary>Whether a leading space of a decoded text is removed (SentencePiece adds one when encoding).</summary>
    public bool StripsLeadingSpace { get; private set; }

    /// <summary>Reads a decoder.</summary>
    public static TokenDecoder Read(ConfigReader? section, bool byteLevel)
    {
        var result = new TokenDecoder(byteLevel);
        if (section is not null)
            result.Add(section);
        return result;
    }

    /// <summary>The bytes of a token.</summary>
    public byte[] BytesOf(string token)
    {
        if (_byteLevel)
            return ByteAlphabet.BytesOf(token) ?? Encoding.UTF8.GetBytes(token);
        foreach ((string from, string to) in _replacements)
            token = token.Replace(from, to, StringComparison.Ordinal);
        return _byteFallback && BpeModelReader.ByteOf(token) is byte value ? [value] : Encoding.UTF8.GetBytes(token);
    }

    private void Add(ConfigReader section)
    {
        switch (section.Text("type"))
        {
            case "Sequence" when !_byteLevel:
                foreach (ConfigReader inner in section.Sections("decoders"))
                    Add(inner);
                break;
            case "ByteLevel" when _byteLevel:
            case "Fuse" when !_byteLevel:
                break;
            case "ByteFallback" when !_byteLevel:
                _byteFallback = true;
                break;
            case "Replace" when !_byteLevel:
                _replacements.Add((section.Section("pattern").Text("String"), section.Text("content")));
                break;
            case "Metaspace" when !_byteLevel:
                var spaces = Metaspace.Read(section);
                _replacements.Add((spaces.Replacement, " "));
                StripsLeadingSpace = spaces.Prepends != Metaspace.Scheme.Never;
                break;
            case "Strip"
                when !_byteLevel
                    && section.Text("content") == " "
                    && section.Int("start", least: 0) == 1
                    && section.Int("stop", least: 0) == 0:
                StripsLeadingSpace = true;
                break;
            default:
                throw section.Unsupported("type", "use a tokenizer that decodes as ByteLevel or as SentencePiece does");
        }
    }
}
