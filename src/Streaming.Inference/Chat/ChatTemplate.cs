using Streaming.Jinja;
using Streaming.Jinja.Templates;

namespace Streaming.Inference.Chat;

/// <summary>
/// A checkpoint's chat template, rendered as in Hugging Face transformers. Templates come with checkpoints and are not trusted, so steps
/// and sizes are limited. Thread-safe.
/// </summary>
internal sealed class ChatTemplate
{
    private readonly string _file;
    private readonly JinjaTemplate _template;
    private readonly IReadOnlyDictionary<string, object?> _tokens;

    /// <summary>Parses a template.</summary>
    /// <param name="file">Its file. Messages have the name alone, because users read them and need no path of the server.</param>
    /// <param name="source">Its text.</param>
    /// <param name="tokens">The variables bos_token, eos_token and so on.</param>
    /// <exception cref="InputException">It is not a valid template or uses unsupported features.</exception>
    public ChatTemplate(string file, string source, IReadOnlyDictionary<string, object?> tokens)
    {
        _file = Path.GetFileName(file);
        _tokens = tokens;
        _template = Reporting(() => JinjaTemplate.Parse(source));
    }

    /// <summary>Renders messages and the opening of the model's reply.</summary>
    /// <param name="messages">Roles and contents.</param>
    /// <param name="now">The time of <c>strftime_now</c>.</param>
    /// <exception cref="InputException">The template fails, refuses the messages, or exceeds its limits.</exception>
    public string Render(IEnumerable<(string Role, string Content)> messages, DateTimeOffset now)
    {
        var variables = new Dictionary<string, object?>(_tokens)
        {
            ["tools"] = null, // templates expect them to be defined
            ["documents"] = null,
            ["messages"] = messages.Select(m => new Dictionary<string, string> { ["role"] = m.Role, ["content"] = m.Content }),
            ["add_generation_prompt"] = true,
        };
        return Reporting(() => _template.Render(variables, format => StrfTime.Format(now, format)));
    }

    /// <summary>Whether a rendering failed because the template called <c>raise_exception</c>, and not because of a fault in it.</summary>
    public static bool IsRefusal(InputException e) => e.InnerException is JinjaException { IsRaisedByTemplate: true };

    private T Reporting<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (JinjaException e)
        {
            string message = e.Message.ReplaceLineEndings(" ");
            throw new InputException(
                e.IsRaisedByTemplate
                    ? $"The checkpoint's chat template ({_file}) refuses the dialogue with \"{message}\": use what it does not refuse."
                    : $"The checkpoint's chat template ({_file}) fails in line {e.Line}: {message}; correct it there.",
                e
            );
        }
    }
}
