using Jint;
using JintEngine = Jint.Engine;

namespace Streaming.Inference.Chat;

/// <summary>
/// The template language as a script: <c>@huggingface/jinja</c> 0.5.11, with two things put right. Its <c>strip</c>,
/// <c>lstrip</c> and <c>rstrip</c> pass over their argument, where Python's take those characters away and no others; and its
/// <c>strftime_now</c> asks the system for the time.
/// </summary>
internal static class TemplateLanguage
{
    private static readonly Lazy<Prepared<Acornima.Ast.Script>> Prepared = new(Prepare);

    /// <summary>Defines <c>load(source)</c> and <c>render(json, clock)</c>.</summary>
    public static Prepared<Acornima.Ast.Script> Script => Prepared.Value;

    private static Prepared<Acornima.Ast.Script> Prepare()
    {
        using Stream resource =
            typeof(TemplateLanguage).Assembly.GetManifestResourceStream("jinja.cjs")
            ?? throw new InvalidOperationException("The build did not embed jinja.cjs.");
        using var reader = new StreamReader(resource);
        string source = reader.ReadToEnd().ReplaceLineEndings("\n");
        source = WithArgument(source, "trim", "true, true");
        source = WithArgument(source, "trimStart", "true, false");
        source = WithArgument(source, "trimEnd", "false, true");
        return JintEngine.PrepareScript(
            $$"""
            function stripped(text, characters, left, right) {
                var start = 0, end = text.length;
                while (left && start < end && characters.includes(text[start])) start++;
                while (right && end > start && characters.includes(text[end - 1])) end--;
                return text.slice(start, end);
            }
            var module = { exports: {} };
            (function (module, exports) { {{source}}
            })(module, module.exports);
            var template, clock;
            var set = module.exports.Environment.prototype.set;
            module.exports.Environment.prototype.set = function (name, value) {
                return set.call(this, name, name === "strftime_now" ? format => clock(format) : value);
            };
            function load(source) { template = new module.exports.Template(source); }
            function render(json, now) { clock = now; return template.render(JSON.parse(json)); }
            """
        );
    }

    /// <summary>Gives a method of texts its argument.</summary>
    private static string WithArgument(string source, string method, string sides)
    {
        string call = $"new FunctionValue(() => {{\n          return new StringValue(this.value.{method}());";
        string[] around = source.Split(call);
        if (around.Length != 2)
            throw new InvalidOperationException(
                $"@huggingface/jinja no longer strips texts by '{call}': adapt {nameof(TemplateLanguage)} to its version."
            );
        return string.Join(
            $"new FunctionValue((args) => {{\n          return new StringValue(args[0] instanceof StringValue ? stripped(this.value, args[0].value, {sides}) : this.value.{method}());",
            around
        );
    }
}
