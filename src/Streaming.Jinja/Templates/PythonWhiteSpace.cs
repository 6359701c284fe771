using Streaming.Jinja.Values;

namespace Streaming.Jinja.Templates;

/// <summary>White space as Python's <c>str</c> has it, which is neither .NET's set nor JavaScript's.</summary>
public static class PythonWhiteSpace
{
    /// <summary><c>str.strip()</c>.</summary>
    public static string Trim(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return PythonText.Trim(text);
    }
}
