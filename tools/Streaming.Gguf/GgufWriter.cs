using System.Text;

namespace Streaming.Gguf;

/// <summary>
/// Writes GGUF files, version 3 (ggml's docs/gguf.md). Tensors are requested one after another, so a large model need not fit in memory.
/// </summary>
public sealed class GgufWriter
{
    private const int Alignment = 32;
    private const uint UInt32Type = 4,
        Int32Type = 5,
        Float32Type = 6,
        StringType = 8,
        ArrayType = 9;
    private readonly List<Action<BinaryWriter>> _metadata = [];
    private readonly List<(string Name, int[] Shape, GgmlType Type, Func<float[]> Values)> _tensors = [];

    /// <summary>A text.</summary>
    public void Add(string key, string value) => Add(key, StringType, w => Write(w, value));

    /// <summary>A number, 0 or more.</summary>
    public void Add(string key, int value) => Add(key, UInt32Type, w => w.Write((uint)value));

    /// <summary>A number, written as float32.</summary>
    public void Add(string key, double value) => Add(key, Float32Type, w => w.Write((float)value));

    /// <summary>Texts.</summary>
    public void Add(string key, IReadOnlyCollection<string> values) =>
        AddArray(
            key,
            StringType,
            values.Count,
            w =>
            {
                foreach (string value in values)
                    Write(w, value);
            }
        );

    /// <summary>Numbers, written as int32.</summary>
    public void Add(string key, IReadOnlyCollection<int> values) =>
        AddArray(
            key,
            Int32Type,
            values.Count,
            w =>
            {
                foreach (int value in values)
                    w.Write(value);
            }
        );

    /// <summary>A tensor in float32.</summary>
    /// <param name="name">ggml's name.</param>
    /// <param name="shape">As in PyTorch: elements of the last dimension are adjacent.</param>
    /// <param name="values">In that order.</param>
    public void Add(string name, int[] shape, float[] values) => Add(name, shape, GgmlType.F32, () => values);

    /// <summary>A tensor whose values are requested when the file is written.</summary>
    /// <param name="name">ggml's name.</param>
    /// <param name="shape">As in PyTorch: elements of the last dimension are adjacent.</param>
    /// <param name="type">How they are written.</param>
    /// <param name="values">In that order.</param>
    /// <exception cref="ArgumentException">Rows do not divide into the type's blocks.</exception>
    public void Add(string name, int[] shape, GgmlType type, Func<float[]> values)
    {
        if (shape[^1] % type.BlockLength() != 0)
            throw new ArgumentException(
                $"{name} has rows of {shape[^1]}, and {type} needs multiples of {type.BlockLength()}.",
                nameof(shape)
            );
        _tensors.Add((name, shape, type, values));
    }

    /// <summary>Writes the file.</summary>
    public void Save(string path)
    {
        using var writer = new BinaryWriter(File.Create(path, bufferSize: 1 << 20));
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write((ulong)_tensors.Count);
        writer.Write((ulong)_metadata.Count);
        foreach (Action<BinaryWriter> entry in _metadata)
            entry(writer);
        long offset = 0;
        foreach ((string name, int[] shape, GgmlType type, _) in _tensors)
        {
            Write(writer, name);
            writer.Write((uint)shape.Length);
            foreach (int size in shape.Reverse())
                writer.Write((ulong)size);
            writer.Write((uint)type);
            writer.Write((ulong)offset);
            offset += Aligned(type.Bytes(Count(shape)));
        }
        foreach ((string name, int[] shape, GgmlType type, Func<float[]> ask) in _tensors)
        {
            Pad(writer);
            float[] values = ask();
            if (values.Length != Count(shape))
                throw new InvalidOperationException($"{name} has {values.Length} values, and its shape asks for {Count(shape)}.");
            type.Write(values, writer);
        }
        Pad(writer);
    }

    private static long Count(int[] shape) => shape.Aggregate(1L, (a, b) => a * b);

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

    private void Add(string key, uint type, Action<BinaryWriter> value) =>
        _metadata.Add(w =>
        {
            Write(w, key);
            w.Write(type);
            value(w);
        });

    private void AddArray(string key, uint type, int count, Action<BinaryWriter> values) =>
        Add(
            key,
            ArrayType,
            w =>
            {
                w.Write(type);
                w.Write((ulong)count);
                values(w);
            }
        );
}
