using System.Text;
using Streaming.Training.Numerics;

namespace Streaming.Training.SyntheticDialogue;

/// <summary>
/// A sentence with choices. <c>{one|another}</c> is one of its alternatives. <c>&lt;colour&gt;</c> is a word of a list, the same
/// throughout an exchange; <c>&lt;a:animal&gt;</c> is the word with its article, <c>&lt;s:animal&gt;</c> its plural,
/// <c>&lt;^animal&gt;</c> the word with a capital letter.
/// </summary>
internal sealed class Template
{
    private readonly IReadOnlyList<Part> _parts;

    private Template(IReadOnlyList<Part> parts) => _parts = parts;

    private abstract record Part;

    private sealed record Literal(string Text) : Part;

    private sealed record Choice(IReadOnlyList<Template> Options) : Part;

    private sealed record Word(string Form, string List) : Part;

    /// <summary>Parses a template.</summary>
    /// <exception cref="FormatException">A bracket has no partner.</exception>
    public static Template Parse(string text)
    {
        int at = 0;
        Template template = Parse(text, ref at);
        return at == text.Length ? template : throw new FormatException($"'{text}' has one '{text[at]}' too many.");
    }

    /// <summary>Makes a sentence from a template without words of lists.</summary>
    public string Fill(SeededRandom random) => Fill(random, new Dictionary<string, string>(), new Dictionary<string, string[]>());

    /// <summary>Makes a sentence.</summary>
    /// <param name="random">Decides the choices.</param>
    /// <param name="words">The words chosen so far, by list name; newly chosen words are added.</param>
    /// <param name="lists">The word lists. In a template a list's name may end in 1, 2 or 3, so that one list gives several words.</param>
    /// <exception cref="FormatException">The template names an unknown list or form.</exception>
    public string Fill(SeededRandom random, IDictionary<string, string> words, IReadOnlyDictionary<string, string[]> lists)
    {
        var text = new StringBuilder();
        foreach (Part part in _parts)
        {
            text.Append(
                part switch
                {
                    Literal literal => literal.Text,
                    Choice choice => random.Of(choice.Options).Fill(random, words, lists),
                    Word word => Shape(word.Form, WordOf(word.List, random, words, lists)),
                    _ => throw new InvalidOperationException("A part of a template is of no kind."),
                }
            );
        }
        return text.ToString();
    }

    private static string WordOf(
        string list,
        SeededRandom random,
        IDictionary<string, string> words,
        IReadOnlyDictionary<string, string[]> lists
    )
    {
        if (words.TryGetValue(list, out string? word))
            return word;
        if (!lists.TryGetValue(list.TrimEnd('1', '2', '3'), out string[]? choices))
            throw new FormatException($"There is no word list '{list}'.");
        return words[list] = random.Of(choices);
    }

    private static string Shape(string form, string word) =>
        form switch
        {
            "" => word,
            "a" => English.WithArticle(word),
            "^" => English.Capital(word),
            "s" => English.Plural(word),
            _ => throw new FormatException($"Words have no form '{form}'."),
        };

    private static Template Parse(string text, ref int at)
    {
        var parts = new List<Part>();
        int from = at;
        while (at < text.Length && text[at] is not ('|' or '}'))
        {
            if (text[at] is not ('{' or '<'))
            {
                at++;
                continue;
            }
            if (at > from)
                parts.Add(new Literal(text[from..at]));
            parts.Add(text[at] == '{' ? ParseChoice(text, ref at) : ParseWord(text, ref at));
            from = at;
        }
        if (at > from)
            parts.Add(new Literal(text[from..at]));
        return new Template(parts);
    }

    private static Choice ParseChoice(string text, ref int at)
    {
        var options = new List<Template>();
        do
        {
            at++;
            options.Add(Parse(text, ref at));
        } while (at < text.Length && text[at] == '|');
        if (at == text.Length)
            throw new FormatException($"'{text}' lacks a closing brace.");
        at++;
        return new Choice(options);
    }

    private static Word ParseWord(string text, ref int at)
    {
        int end = text.IndexOf('>', at);
        if (end < 0)
            throw new FormatException($"'{text}' lacks a '>'.");
        string inside = text[(at + 1)..end];
        at = end + 1;
        return inside is ['a' or 's', ':', ..] ? new Word(inside[..1], inside[2..])
            : inside.StartsWith('^') ? new Word("^", inside[1..])
            : new Word("", inside);
    }
}
