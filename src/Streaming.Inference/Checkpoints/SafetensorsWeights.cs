using TorchSharp;

namespace Streaming.Inference.Checkpoints;

/// <summary>A checkpoint's weights: one or more safetensors files, with or without an index.</summary>
internal sealed class SafetensorsWeights : IWeightSource, IDisposable
{
    private const string SingleFile = "model.safetensors",
        IndexFile = "model.safetensors.index.json";

    private readonly string _folder;
    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, (SafetensorsFile File, SafetensorsEntry Entry)> _tensors = [];

    private SafetensorsWeights(string folder) => _folder = folder;

    /// <summary>The files' paths, sorted by name.</summary>
    public IEnumerable<string> Paths => _files.Select(f => f.Path);

    /// <summary>The tensors' names.</summary>
    public IEnumerable<string> Names => _tensors.Keys;

    /// <summary>Whether there is a tensor of this name.</summary>
    public bool Has(string name) => _tensors.ContainsKey(name);

    /// <summary>Opens a folder's weights and checks every header.</summary>
    /// <exception cref="InputException">There are none, or a file is damaged.</exception>
    public static SafetensorsWeights Open(string folder)
    {
        var weights = new SafetensorsWeights(folder);
        try
        {
            var index = ConfigReader.OpenIfPresent(folder, IndexFile);
            foreach (string path in index is null ? WithoutIndex(folder) : NamedBy(index, folder))
                weights.Add(path);
            if (index is not null)
                weights.CheckAgainst(index.Section("weight_map"));
            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Gives a tensor a second name.</summary>
    public void Alias(string name, string existing) => _tensors.Add(name, _tensors[existing]);

    /// <inheritdoc/>
    public torch.Tensor Read(string name, params ReadOnlySpan<long> shape)
    {
        (SafetensorsFile file, SafetensorsEntry entry, torch.ScalarType type) = Find(name, shape);
        return file.Read(entry, type);
    }

    IStoredMatrix IWeightSource.Open(string name, long rows, long columns)
    {
        (SafetensorsFile file, SafetensorsEntry entry, torch.ScalarType type) = Find(name, [rows, columns]);
        return new SafetensorsMatrix(file, entry, type);
    }

    string IWeightSource.Describe(string name) =>
        _tensors.TryGetValue(name, out (SafetensorsFile File, SafetensorsEntry Entry) found)
            ? Describe(found.File, found.Entry)
            : $"The tensor '{name}'";

    /// <summary>The beginning of a sentence about a tensor.</summary>
    internal static string Describe(SafetensorsFile file, SafetensorsEntry entry) => $"'{file.Path}': the tensor '{entry.Name}'";

    private (SafetensorsFile File, SafetensorsEntry Entry, torch.ScalarType Type) Find(string name, ReadOnlySpan<long> shape)
    {
        if (!_tensors.TryGetValue(name, out (SafetensorsFile File, SafetensorsEntry Entry) found))
            throw new InputException($"The weights in '{_folder}' lack the tensor '{name}': use a complete checkpoint.");
        (SafetensorsFile file, SafetensorsEntry entry) = found;
        if (!shape.SequenceEqual(entry.Shape))
        {
            throw new InputException(
                $"{Describe(file, entry)} has the shape [{string.Join(", ", entry.Shape)}], "
                    + $"but config.json asks for [{string.Join(", ", shape.ToArray())}]: use the files of one checkpoint."
            );
        }
        if (entry.ScalarType is not torch.ScalarType type)
        {
            throw new InputException(
                $"{Describe(file, entry)} has the type {entry.DType}, which is not supported: use files with F32, BF16 or F16."
            );
        }
        return (file, entry, type);
    }

    public void Dispose()
    {
        foreach (SafetensorsFile file in _files)
            file.Dispose();
    }

    private static string[] WithoutIndex(string folder)
    {
        string single = Path.Combine(folder, SingleFile);
        if (CheckpointFiles.IsThere(single))
            return [single];
        string[] all = [.. Directory.EnumerateFiles(folder, "*.safetensors").Order(StringComparer.Ordinal)];
        return Array.TrueForAll(all, CheckpointFiles.IsThere) && all.Length > 0
            ? all
            : throw new InputException(
                $"'{folder}' has no *.safetensors: put the checkpoint's weights there (other formats are not read)."
            );
    }

    private static IEnumerable<string> NamedBy(ConfigReader index, string folder)
    {
        ConfigReader map = index.Section("weight_map");
        foreach (string name in map.Names.Select(map.Text).Distinct().Order(StringComparer.Ordinal))
        {
            if (name != Path.GetFileName(name) || name is "" or "." or "..")
                throw new InputException(
                    $"'{index.File}' names the file '{name}', which is not in its folder: use the checkpoint's own index."
                );
            string path = Path.Combine(folder, name);
            if (!CheckpointFiles.IsThere(path))
                throw new InputException($"'{index.File}' names '{name}', which is not there: put the whole checkpoint into '{folder}'.");
            yield return path;
        }
    }

    private void Add(string path)
    {
        var file = SafetensorsFile.Open(path);
        _files.Add(file);
        foreach (SafetensorsEntry entry in file.Entries)
        {
            if (!_tensors.TryAdd(entry.Name, (file, entry)))
            {
                throw new InputException(
                    $"The tensor '{entry.Name}' is both in '{_tensors[entry.Name].File.Path}' and in '{path}': "
                        + "keep the files of one checkpoint."
                );
            }
        }
    }

    private void CheckAgainst(ConfigReader map)
    {
        foreach (string name in map.Names)
        {
            string file = map.Text(name);
            if (
                !_tensors.TryGetValue(name, out (SafetensorsFile File, SafetensorsEntry Entry) found)
                || Path.GetFileName(found.File.Path) != file
            )
                throw new InputException(
                    $"'{map.File}' says that '{name}' is in '{file}', and it is not: use the files of one checkpoint."
                );
        }
    }
}
