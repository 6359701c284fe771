using System.Text.Json;
using Tokenizers.DotNet;

namespace Streaming.Peers;

/// <summary>Hugging Face's own tokenizers library: the ids of texts, with added tokens parsed and specials added.</summary>
internal static class HuggingFaceTokenizer
{
    public static void Run(string tokenizerFile, string textsFile, string idsFile)
    {
        var tokenizer = new Tokenizer(tokenizerFile);
        string[] texts = JsonSerializer.Deserialize<string[]>(File.ReadAllText(textsFile))!;
        uint[][] ids = [.. texts.Select(tokenizer.Encode)];
        File.WriteAllText(idsFile, JsonSerializer.Serialize(ids));
    }
}
