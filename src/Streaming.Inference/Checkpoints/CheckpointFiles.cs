namespace Streaming.Inference.Checkpoints;

/// <summary>
/// A checkpoint's files. They may be links to files elsewhere, as in Hugging Face's download cache
/// (<c>models--OWNER--NAME/snapshots/COMMIT/FILE</c> is a link to <c>../../blobs/HASH</c>).
/// </summary>
internal static class CheckpointFiles
{
    private const string CachePrefix = "models--",
        CacheSnapshots = "snapshots";

    /// <summary>Files of a tokenizer that Hugging Face's library turns into a <c>tokenizer.json</c>.</summary>
    private static readonly string[] OtherTokenizers = ["tokenizer.model", "tekken.json", "vocab.json"];

    /// <summary>Whether a file is there.</summary>
    /// <exception cref="InputException">It is a link, and what the link names is not there.</exception>
    public static bool IsThere(string path)
    {
        if (new FileInfo(path).LinkTarget is string target && !IsTargetThere(path))
            throw new InputException(
                $"'{path}' is a link to '{target}', which is not there: "
                    + "download the checkpoint again, or copy it with all files that its links name."
            );
        return File.Exists(path);
    }

    /// <summary>The model's name for display: the folder's name, or in Hugging Face's download cache the repository's.</summary>
    public static string NameOf(string folder)
    {
        string? snapshots = Path.GetDirectoryName(folder),
            repository = Path.GetFileName(Path.GetDirectoryName(snapshots));
        return Path.GetFileName(snapshots) == CacheSnapshots && repository?.StartsWith(CachePrefix, StringComparison.Ordinal) == true
            ? repository[(repository.LastIndexOf("--", StringComparison.Ordinal) + 2)..]
            : Path.GetFileName(folder);
    }

    /// <summary>The error for a required file that is absent.</summary>
    public static InputException Missing(string folder, string name)
    {
        if (name == "tokenizer.json" && OtherTokenizers.FirstOrDefault(other => File.Exists(Path.Combine(folder, other))) is string other)
            return new InputException(
                $"'{folder}' has {other} but no tokenizer.json: write it with Hugging Face's library in Python, "
                    + $"AutoTokenizer.from_pretrained(\"{folder}\").save_pretrained(\"{folder}\"), or copy it from a checkpoint "
                    + "of this model that has it."
            );
        string snapshots = Path.Combine(folder, CacheSnapshots);
        if (
            Directory.Exists(snapshots)
            && Directory.EnumerateDirectories(snapshots).Order(StringComparer.Ordinal).FirstOrDefault() is string one
        )
            return new InputException($"'{folder}' has no {name}, but holds snapshots: name one of them, such as '{one}'.");
        return new InputException($"'{folder}' has no {name}: name a checkpoint's folder in Hugging Face layout.");
    }

    /// <summary>The error for a file that cannot be read.</summary>
    public static InputException Unreadable(string path, Exception e) =>
        new($"'{path}' cannot be read ({e.Message}): check that it is a file and its permissions.", e);

    private static bool IsTargetThere(string link)
    {
        try
        {
            return File.ResolveLinkTarget(link, returnFinalTarget: true) is { } target && Path.Exists(target.FullName);
        }
        catch (IOException) // links that name each other
        {
            return false;
        }
    }
}
