using System.Text;
using Streaming.Inference;

namespace Streaming.Cli.Options;

/// <summary>Reads the text files that options name.</summary>
internal static class TextFile
{
    /// <summary>A file's text, in UTF-8.</summary>
    /// <exception cref="InputException">The file does not exist, cannot be read, or is not UTF-8.</exception>
    public static string Read(string file)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(file));
        }
        catch (DecoderFallbackException e)
        {
            throw new InputException($"'{file}' is not UTF-8 (at byte {e.Index}): convert it first.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"'{file}' cannot be read ({e.Message}): name a file that exists and may be read.", e);
        }
    }
}
