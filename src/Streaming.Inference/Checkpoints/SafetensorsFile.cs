using System.IO.MemoryMappedFiles;
using TorchSharp;

namespace Streaming.Inference.Checkpoints;

/// <summary>A safetensors file, mapped into memory; tensors are copied out of it one by one.</summary>
internal sealed class SafetensorsFile : IDisposable
{
    private const long CopyBytes = 1 << 30; // a span holds less than 2 GiB

    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly long _dataStart;

    private SafetensorsFile(string path, IReadOnlyList<SafetensorsEntry> entries, long dataStart, MemoryMappedFile map)
    {
        Path = path;
        Entries = entries;
        _dataStart = dataStart;
        _map = map;
        _view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
    }

    /// <summary>The file's full name.</summary>
    public string Path { get; }

    /// <summary>Its tensors, in the order of their places.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="InputException">It cannot be read or is not sound.</exception>
    public static SafetensorsFile Open(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            (IReadOnlyList<SafetensorsEntry> entries, long dataStart) = SafetensorsHeader.Read(path, stream);
            var map = MemoryMappedFile.CreateFromFile(
                stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            return new SafetensorsFile(path, entries, dataStart, map);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"'{path}' cannot be read ({e.Message}): check the file and its permissions.", e);
        }
    }

    /// <summary>Copies a tensor out of the file, in its stored type.</summary>
    public unsafe torch.Tensor Read(SafetensorsEntry entry, torch.ScalarType type)
    {
        torch.Tensor tensor = torch.empty(entry.Shape, dtype: type);
        byte* source = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref source);
        try
        {
            source += _view.PointerOffset + _dataStart + entry.Begin;
            long elements = (entry.End - entry.Begin) / entry.Width, step = CopyBytes / entry.Width;
            using torch.Tensor flat = tensor.view(-1);
            for (long i = 0; i < elements; i += step)
            {
                using torch.Tensor part = flat.narrow(0, i, Math.Min(step, elements - i));
                Span<byte> target = part.bytes;
                new ReadOnlySpan<byte>(source + i * entry.Width, target.Length).CopyTo(target);
            }
            return tensor;
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
        finally
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }

    public void Dispose()
    {
        _view.Dispose();
        _map.Dispose();
    }
}
