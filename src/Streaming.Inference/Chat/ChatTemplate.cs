using Streaming.Jinja;

namespace Streaming.Inference.Chat;

/// <summary>
/// A checkpoint's own chat template, rendered as Hugging Face transformers renders it. A template comes with a checkpoint that
/// somebody else made, so steps and sizes are limited. Any number of threads may use it.
/// </summary>
internal sealed class ChatTemplate
{
    private readonly string _file;
    private readonly JinjaTemplate _template;
    private readonly IReadOnlyDictionary<string, object?> _tokens;

    /// <summary>Parses a template.</summary>
    /// <param name="file">Where it is from, for messages.</param>
    /// <param name="source">Its text.</param>
    /// <param name="tokens">The variables bos_token, eos_token and so on.</param>
    /// <exception cref="InputException">It is not a template, or uses what is not supported.</exception>
    public ChatTemplate(string file, string source, IReadOnlyDictionary<string, object?> tokens)
    {
        _file = file;
        _tokens = tokens;
        _template = Reporting(() => JinjaTemplate.Parse(source));
    }

    /// <summary>Renders messages, up to where the model's reply begins.</summary>
    /// <param name="messages">Who says what.</param>
    /// <param name="now">What <c>strftime_now</c> tells.</param>
    /// <exception cref="InputException">The template fails, refuses the messages, or runs beyond its limits.</exception>
    public string Render(IEnumerable<(string Role, string Content)> messages, DateTimeOffset now)
    {
        var variables = new Dictionary<string, object?>(_tokens)
        {
            ["tools"] = null, // defined and none, as templates expect where there are none
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
                    ? $"The chat template in '{_file}' refuses the dialogue with \"{message}\": use what it does not refuse."
                    : $"The chat template in '{_file}' fails in line {e.Line}: {message}; correct it there.",
                e
            );
        }
    }
}
