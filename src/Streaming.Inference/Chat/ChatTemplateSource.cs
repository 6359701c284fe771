using System.Text.Json;
using Streaming.Inference.Checkpoints;

namespace Streaming.Inference.Chat;

/// <summary>Finds a checkpoint's chat template and the control tokens that it may use as variables.</summary>
internal static class ChatTemplateSource
{
    private const string TemplateFile = "chat_template.jinja",
        ConfigFile = "tokenizer_config.json";
    private static readonly string[] TokenNames =
    [
        "bos_token",
        "eos_token",
        "unk_token",
        "sep_token",
        "pad_token",
        "cls_token",
        "mask_token",
    ];

    /// <summary>Loads the template: <c>chat_template.jinja</c>, else <c>chat_template</c> of <c>tokenizer_config.json</c>.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public static ChatTemplate Load(string folder)
    {
        var config = ConfigReader.Open(folder, ConfigFile);
        Dictionary<string, object?> tokens = [];
        foreach (string name in TokenNames)
        {
            if (Token(config, name) is string token)
                tokens[name] = token;
        }
        string file = Path.Combine(folder, TemplateFile);
        return File.Exists(file)
            ? new ChatTemplate(file, File.ReadAllText(file), tokens)
            : new ChatTemplate(config.File, FromConfig(config, folder), tokens);
    }

    private static string? Token(ConfigReader config, string name) =>
        config.Find(name) is { ValueKind: JsonValueKind.Object } ? config.Section(name).Text("content") : config.TextIfPresent(name);

    private static string FromConfig(ConfigReader config, string folder)
    {
        if (!config.Has("chat_template"))
        {
            throw new InputException(
                $"The checkpoint '{folder}' has no chat template ({TemplateFile}, or chat_template in {ConfigFile}): "
                    + "use a chat model, or feed the text without a template."
            );
        }
        if (config.Find("chat_template") is not { ValueKind: JsonValueKind.Array })
            return config.Text("chat_template");
        return config.Sections("chat_template").FirstOrDefault(t => t.Text("name") == "default")?.Text("template")
            ?? throw config.Wrong("chat_template", "a list in which one template is named \"default\"");
    }
}
