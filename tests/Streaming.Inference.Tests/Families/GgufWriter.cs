using System.Runtime.InteropServices;
using System.Text;

namespace Streaming.Inference.Tests.Families;

/// <summary>Writes GGUF files, version 3, of float32 tensors (ggml's docs/gguf.md).</summary>
internal sealed class GgufWriter
{
    private const int Alignment = 32;
    private const uint UInt32Type = 4, Int32Type = 5, Float32Type = 6, StringType = 8, ArrayType = 9;
    private readonly List<Action<BinaryWriter>> _metadata = [];
    private readonly List<(string Name, int[] Shape, float[] Values)> _tensors = [];

    public void Add(string key, string value) => Add(key, StringType, w => Write(w, value));

    public void Add(string key, int value) => Add(key, UInt32Type, w => w.Write((uint)value));

    public void Add(string key, double value) => Add(key, Float32Type, w => w.Write((float)value));

    public void Add(string key, IReadOnlyCollection<string> values) => AddArray(key, StringType, values.Count, w =>
    {
        foreach (string value in values)
            Write(w, value);
    });

    public void Add(string key, IReadOnlyCollection<int> values) => AddArray(key, Int32Type, values.Count, w =>
    {
        foreach (int value in values)
            w.Write(value);
    });

    /// <param name="name">ggml's name.</param>
    /// <param name="shape">As in PyTorch: the last dimension's elements lie beside each other.</param>
    /// <param name="values">In that order.</param>
    public void Add(string name, int[] shape, float[] values) => _tensors.Add((name, shape, values));

    public void Save(string path)
    {
        using var writer = new BinaryWriter(File.Create(path));
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write((ulong)_tensors.Count);
        writer.Write((ulong)_metadata.Count);
        foreach (Action<BinaryWriter> entry in _metadata)
            entry(writer);
        long offset = 0;
        foreach ((string name, int[] shape, float[] values) in _tensors)
        {
            Write(writer, name);
            writer.Write((uint)shape.Length);
            foreach (int size in shape.Reverse())
                writer.Write((ulong)size);
            writer.Write(0u); // F32
            writer.Write((ulong)offset);
            offset += Aligned(values.Length * sizeof(float));
        }
        foreach ((_, _, float[] values) in _tensors)
        {
            Pad(writer);
            writer.Write(MemoryMarshal.AsBytes(values.AsSpan()));
        }
        Pad(writer);
    }

    private static long Aligned(long length) => (length + Alignment - 1) / Alignment * Alignment;

    private static void Pad(BinaryWriter writer)
    {
        writer.Flush();
        long position = writer.BaseStream.Position;
        writer.Write(new byte[Aligned(position) - position]);
    }

    private static void Write(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private void Add(string key, uint type, Action<BinaryWriter> value) => _metadata.Add(w =>
    {
        Write(w, key);
        w.Write(type);
        value(w);
    });

    private void AddArray(string key, uint type, int count, Action<BinaryWriter> values) => Add(key, ArrayType, w =>
    {
        w.Write(type);
        w.Write((ulong)count);
        values(w);
    });
}
