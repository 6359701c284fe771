namespace Streaming.Bench.Paper.Endurance.Served;

/// <summary>Gives a checkpoint a chat template: hosts need one, and models that only continue text have none.</summary>
internal static class ServedCheckpoint
{
    private const string TemplateFile = "chat_template.jinja",
        Marker = "chat_template";

    /// <summary>The start token, then all messages as one text to continue.</summary>
    private const string Template = "{{- bos_token }}{%- for message in messages %}{{ message['content'] }}{%- endfor %}";

    /// <summary>The checkpoint's folder if it has a template, else a copy with one, below another folder.</summary>
    public static string WithTemplate(string checkpoint, string below)
    {
        if (Directory.EnumerateFiles(checkpoint).Any(HasTemplate))
            return checkpoint;
        string copy = Directory.CreateDirectory(Path.Combine(below, Path.GetFileName(checkpoint))).FullName;
        foreach (string file in Directory.EnumerateFiles(checkpoint))
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        File.WriteAllText(Path.Combine(copy, TemplateFile), Template);
        return copy;
    }

    private static bool HasTemplate(string file) =>
        Path.GetFileName(file) switch
        {
            TemplateFile => true,
            "tokenizer_config.json" => File.ReadAllText(file).Contains(Marker, StringComparison.Ordinal),
            _ => false,
        };
}
