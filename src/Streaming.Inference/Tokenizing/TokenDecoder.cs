using System.Text;
using Streaming.Inference.Checkpoints;

namespace Streaming.Inference.Tokenizing;

/// <summary>A tokenizer's <c>decoder</c>, which converts tokens to bytes.</summary>
internal sealed class TokenDecoder
{
    private readonly bool _byteLevel;
    private bool _byteFallback;
    private bool _fused;
    private bool _stripsSpace;
    private string? _strippedFirst; // Metaspace leaves the character that stands for a space out of the first token, wherever it is there
    private readonly List<(string From, string To)> _replacements = [];

    private TokenDecoder(bool byteLevel) => _byteLevel = byteLevel;

    /// <summary>Whether the first token of a text loses its leading space (SentencePiece adds one when encoding).</summary>
    public bool StripsLeadingSpace => _stripsSpace || _strippedFirst is not null;

    /// <summary>Reads a decoder.</summary>
    public static TokenDecoder Read(ConfigReader? section, bool byteLevel)
    {
        var result = new TokenDecoder(byteLevel);
        if (section is not null)
            result.Add(section);
        return result;
    }

    /// <summary>The bytes of a token.</summary>
    /// <param name="token">Its text in the vocabulary.</param>
    /// <param name="isFirst">Whether it is the first one of a text.</param>
    public byte[] BytesOf(string token, bool isFirst)
    {
        if (_byteLevel)
            return ByteAlphabet.BytesOf(token) ?? Encoding.UTF8.GetBytes(token);
        if (isFirst && _strippedFirst is not null)
            token = token.Replace(_strippedFirst, "", StringComparison.Ordinal);
        foreach ((string from, string to) in _replacements)
            token = token.Replace(from, to, StringComparison.Ordinal);
        byte[] bytes = _byteFallback && BpeModelReader.ByteOf(token) is byte value ? [value] : Encoding.UTF8.GetBytes(token);
        return isFirst && _stripsSpace && bytes is [(byte)' ', .. byte[] rest] ? rest : bytes;
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
                break;
            case "Fuse" when !_byteLevel:
                _fused = true;
                break;
            case "ByteFallback" when !_byteLevel && !_fused && !_stripsSpace:
                _byteFallback = true;
                break;
            case "Replace" when !_byteLevel && !_fused && !_byteFallback:
                string pattern =
                    section.Section("pattern").TextIfPresent("String")
                    ?? throw section.Unsupported("pattern", "use a tokenizer that replaces a \"String\"");
                if (pattern.Length == 0)
                    throw section.Wrong("pattern", "a text that is not empty");
                _replacements.Add((pattern, section.Text("content")));
                break;
            case "Metaspace" when !_byteLevel && !_fused && !_byteFallback && _replacements.Count == 0:
                var spaces = Metaspace.Read(section);
                _replacements.Add((spaces.Replacement, " "));
                if (spaces.Prepends != Metaspace.Scheme.Never)
                    _strippedFirst = spaces.Replacement;
                break;
            case "Strip"
                when _fused && section.Text("content") == " " && section.Int("start", least: 0) == 1 && section.Int("stop", least: 0) == 0:
                _stripsSpace = true;
                break;
            default:
                throw section.Unsupported("type", "use a tokenizer that decodes as ByteLevel or as SentencePiece does");
        }
    }
}
