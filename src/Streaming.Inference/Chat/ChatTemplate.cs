using System.Text.Encodings.Web;
using System.Text.Json;
using Jint;
using Jint.Native;
using Jint.Runtime;
using JintEngine = Jint.Engine;

namespace Streaming.Inference.Chat;

/// <summary>
/// A checkpoint's own chat template, rendered by <c>@huggingface/jinja</c> inside a JavaScript engine: the real template
/// language, without writing one. A template comes with a checkpoint that somebody else made, so time, memory and
/// statements are limited. One engine, one rendering at a time (about a millisecond).
/// </summary>
internal sealed class ChatTemplate
{
    private const int MostStatements = 2_000_000,
        MostBytes = 256 << 20,
        DeepestRecursion = 2_000;
    private static readonly TimeSpan LongestRun = TimeSpan.FromSeconds(10); // loading the language takes one on an idle machine

    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly string _file;
    private readonly string _source;
    private readonly IReadOnlyDictionary<string, string> _tokens;
    private readonly Lock _lock = new();
    private JintEngine? _engine; // null after a run that was broken off: what it left behind is not trusted

    /// <summary>Loads and parses a template.</summary>
    /// <param name="file">Where it is from, for messages.</param>
    /// <param name="source">Its text.</param>
    /// <param name="tokens">The variables bos_token, eos_token and so on.</param>
    /// <exception cref="InputException">It is not a template.</exception>
    public ChatTemplate(string file, string source, IReadOnlyDictionary<string, string> tokens)
    {
        _file = file;
        _source = source;
        _tokens = tokens;
        lock (_lock)
            Run(_ => JsValue.Undefined);
    }

    /// <summary>Renders messages, up to where the model's reply begins.</summary>
    /// <param name="messages">Who says what.</param>
    /// <param name="now">What <c>strftime_now</c> tells.</param>
    /// <exception cref="InputException">The template refuses them or runs beyond its limits.</exception>
    public string Render(IEnumerable<(string Role, string Content)> messages, DateTimeOffset now)
    {
        var variables = new Dictionary<string, object?>(_tokens.Select(t => KeyValuePair.Create(t.Key, (object?)t.Value)))
        {
            ["tools"] = null, // defined and none, as templates expect where there are none
            ["documents"] = null,
            ["messages"] = messages.Select(m => new Dictionary<string, string> { ["role"] = m.Role, ["content"] = m.Content }),
            ["add_generation_prompt"] = true,
        };
        string json = JsonSerializer.Serialize(variables, Plain);
        lock (_lock)
            return Run(engine => engine.Invoke("render", json, (Func<string, string>)(format => StrfTime.Format(now, format)))).AsString();
    }

    private JsValue Run(Func<JintEngine, JsValue> work)
    {
        try
        {
            _engine ??= Start();
            return work(_engine);
        }
        catch (Exception e) when (e is JintException or TimeoutException)
        {
            if (e is not JavaScriptException) // which the template threw by itself, and left everything in order
                _engine = null;
            string why =
                e is JavaScriptException
                    ? $"fails with \"{e.Message.ReplaceLineEndings(" ")}\""
                    : $"runs beyond its limits ({e.GetType().Name})";
            throw new InputException($"The chat template in '{_file}' {why}: correct it, or use what it does not refuse.", e);
        }
    }

    private JintEngine Start()
    {
        var engine = new JintEngine(options =>
            options
                .TimeoutInterval(LongestRun)
                .RegexTimeoutInterval(LongestRun)
                .MaxStatements(MostStatements)
                .LimitMemory(MostBytes)
                .LimitRecursion(DeepestRecursion)
        );
        engine.Execute(TemplateLanguage.Script);
        engine.Invoke("load", _source);
        return engine;
    }
}
