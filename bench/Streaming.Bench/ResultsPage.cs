using Streaming.Inference;

namespace Streaming.Bench;

/// <summary>Writes measured results into Markdown documents.</summary>
public static class ResultsPage
{
    /// <summary>Writes NAME.md with a title, a text, and where the result comes from; prints it too.</summary>
    /// <param name="folder">Folder of the results.</param>
    /// <param name="name">The file's name without its ending.</param>
    /// <param name="title">The heading.</param>
    /// <param name="body">Text, tables and charts in Markdown.</param>
    /// <param name="provenance">Where the result comes from.</param>
    /// <param name="further">Further rows of that table.</param>
    public static void Write(
        string folder,
        string name,
        string title,
        string body,
        Provenance provenance,
        params IEnumerable<(string Name, string Value)> further
    )
    {
        Directory.CreateDirectory(folder);
        string text = $"# {title}\n\n{body.TrimEnd()}\n\n{provenance.ToTable(further)}".ReplaceLineEndings("\n");
        string path = Path.Combine(folder, name + ".md");
        File.WriteAllText(path, text);
        Console.WriteLine(text);
        Console.WriteLine($"Written to {path}.");
    }

    /// <summary>Replaces what is between the lines <c>&lt;!-- NAME --&gt;</c> and <c>&lt;!-- /NAME --&gt;</c> of a document.</summary>
    /// <exception cref="InputException">The document does not have these lines.</exception>
    public static void Replace(string document, string name, string text)
    {
        string before = File.ReadAllText(document),
            begin = $"<!-- {name} -->\n",
            end = $"<!-- /{name} -->\n";
        int from = before.IndexOf(begin, StringComparison.Ordinal),
            to = before.IndexOf(end, StringComparison.Ordinal);
        if (from < 0 || to < from)
            throw new InputException($"'{document}' has no lines '{begin.Trim()}' and '{end.Trim()}': add them around the measured table.");
        File.WriteAllText(document, $"{before[..(from + begin.Length)]}\n{text.TrimEnd()}\n\n{before[to..]}");
    }
}
