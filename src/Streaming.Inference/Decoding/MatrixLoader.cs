using Streaming.Inference.Checkpoints;
using Streaming.Inference.Kernels;
using Streaming.Inference.Kernels.Managed;
using Streaming.Inference.Memory;
using Streaming.Inference.Threading;
using TorchSharp;
using BFloat16 = Streaming.Inference.Memory.BFloat16;

namespace Streaming.Inference.Decoding;

/// <summary>The format of a matrix in memory.</summary>
internal enum MatrixForm
{
    /// <summary>The activations' type.</summary>
    Plain,

    /// <summary>int8 with a scale per row, packed by the kernels.</summary>
    Int8,

    /// <summary>4 bits with a scale per group of a row, packed by the kernels.</summary>
    Int4,
}

/// <summary>
/// Converts stored matrices to their final format on several threads, in blocks of rows. Besides the result it needs memory for one
/// block per thread.
/// </summary>
internal sealed unsafe class MatrixLoader(IKernels kernels, torch.ScalarType activations, int threads) : IParallelTask, IDisposable
{
    private const int BlockElements = 64 * 1024; // fits the second-level cache in float32

    private readonly WorkerPool _pool = new(threads);
    private readonly Buffers[] _buffers = [.. Enumerable.Range(0, threads).Select(_ => new Buffers())];
    private IReadOnlyList<(IStoredMatrix Matrix, long Rows)> _stored = [];
    private MatrixForm _form;
    private int _rows,
        _columns,
        _width, // of a row in memory
        _blockRows;
    private byte* _numbers;
    private BFloat16* _scales;

    /// <summary>Loads matrices [rows_i, columns] as one: [sum of rows_i, columns].</summary>
    /// <returns>Tensors in the current dispose scope.</returns>
    /// <exception cref="InputException">A matrix cannot be read, or a number of it is not finite.</exception>
    public Weight Load(IReadOnlyList<(IStoredMatrix Matrix, long Rows)> stored, long columns, MatrixForm form)
    {
        long rows = stored.Sum(part => part.Rows);
        (_stored, _form, _rows, _columns) = (stored, form, checked((int)rows), checked((int)columns));
        _width = form == MatrixForm.Int4 ? NibbleProduct.Padded(_columns) : _columns;
        int tiles = Math.Max(1, BlockElements / _columns / FloatProduct.TileWeights);
        _blockRows = tiles * FloatProduct.TileWeights; // the kernels pack whole tiles
        torch.Tensor numbers = form switch
        {
            MatrixForm.Plain => torch.empty([rows, columns], activations),
            MatrixForm.Int8 => torch.empty([rows, columns], torch.ScalarType.Int8),
            _ => torch.empty([rows, _width / 2], torch.ScalarType.Int8),
        };
        torch.Tensor? scales = form switch
        {
            MatrixForm.Plain => null,
            MatrixForm.Int8 => torch.empty([rows], torch.ScalarType.BFloat16),
            _ => torch.empty([rows, _width / NibbleProduct.Group], torch.ScalarType.BFloat16),
        };
        _numbers = (byte*)TensorMemory.AddressOf(numbers);
        _scales = scales is null ? null : (BFloat16*)TensorMemory.AddressOf(scales);
        _pool.Run(this, (_rows + _blockRows - 1) / _blockRows);
        return new Weight(numbers, scales);
    }

    public void Do(int part, int thread)
    {
        int first = part * _blockRows,
            count = Math.Min(_blockRows, _rows - first);
        if (_form == MatrixForm.Plain)
            Copy(first, count, _buffers[thread]);
        else
            Quantise(first, count, _buffers[thread]);
    }

    public void Dispose()
    {
        _pool.Dispose();
        foreach (Buffers buffers in _buffers)
            buffers.Dispose();
    }

    private void Copy(int first, int count, Buffers buffers)
    {
        int bytes = activations == torch.ScalarType.Float32 ? sizeof(float) : sizeof(BFloat16);
        for (int row = first; row < first + count; )
        {
            (IStoredMatrix matrix, long at, int rows) = StoredAt(row, first + count - row);
            byte* target = _numbers + (long)row * _columns * bytes;
            int length = rows * _columns;
            if (matrix.Type == activations)
                Read(matrix, at, new Span<byte>(target, length * bytes));
            else if (activations == torch.ScalarType.Float32)
                Widen(matrix, at, new Span<float>((float*)target, length), buffers);
            else
                WeightConversion.Narrow(Widen(matrix, at, buffers.Numbers(length), buffers), new Span<BFloat16>((BFloat16*)target, length));
            row += rows;
        }
    }

    private void Quantise(int first, int count, Buffers buffers)
    {
        Span<float> numbers = buffers.Numbers(count * _columns);
        Span<sbyte> quantised = buffers.Quantised(count * _width, out sbyte* unpacked);
        for (int row = 0; row < count; )
        {
            (IStoredMatrix matrix, long at, int rows) = StoredAt(first + row, count - row);
            Widen(matrix, at, numbers.Slice(row * _columns, rows * _columns), buffers);
            row += rows;
        }
        int groups = _width / NibbleProduct.Group;
        for (int row = 0; row < count; row++)
        {
            Span<float> ofRow = numbers.Slice(row * _columns, _columns);
            Span<sbyte> result = quantised.Slice(row * _width, _width);
            if (_form == MatrixForm.Int8)
                _scales[first + row] = WeightConversion.Quantise(ofRow, result);
            else
                WeightConversion.QuantiseGroups(ofRow, result, new Span<BFloat16>(_scales + (long)(first + row) * groups, groups));
        }
        bool nibbles = _form == MatrixForm.Int4;
        kernels.Pack(unpacked, count, _width, nibbles, (sbyte*)_numbers + (long)first * (nibbles ? _width / 2 : _width));
    }

    /// <summary>The stored matrix and row of a row of the result, and how many of the wanted rows follow it there.</summary>
    private (IStoredMatrix Matrix, long Row, int Rows) StoredAt(long row, int wanted)
    {
        int part = 0;
        for (; row >= _stored[part].Rows; part++)
            row -= _stored[part].Rows;
        return (_stored[part].Matrix, row, (int)Math.Min(wanted, _stored[part].Rows - row));
    }

    /// <summary>Reads whole rows.</summary>
    /// <exception cref="InputException">They cannot be read, or a number is not finite.</exception>
    private void Read(IStoredMatrix matrix, long row, Span<byte> stored)
    {
        matrix.Read(row, stored);
        int index = WeightConversion.IndexOfNotFinite(stored, matrix.Type);
        if (index >= 0)
            throw WeightLoader.NotFinite(matrix.Description, $"row {row + index / _columns}");
    }

    private Span<float> Widen(IStoredMatrix matrix, long row, Span<float> numbers, Buffers buffers)
    {
        Span<byte> stored = buffers.Stored(numbers.Length * (matrix.Type == torch.ScalarType.Float32 ? sizeof(float) : sizeof(BFloat16)));
        Read(matrix, row, stored);
        WeightConversion.Widen(stored, matrix.Type, numbers);
        return numbers;
    }

    /// <summary>A thread's buffers for one block.</summary>
    private sealed class Buffers : IDisposable
    {
        private readonly NativeBuffer<byte> _stored = new();
        private readonly NativeBuffer<float> _numbers = new();
        private readonly NativeBuffer<sbyte> _quantised = new();

        public Span<byte> Stored(int count) => new(_stored.Take(count), count);

        public Span<float> Numbers(int count) => new(_numbers.Take(count), count);

        public Span<sbyte> Quantised(int count, out sbyte* address) => new(address = _quantised.Take(count), count);

        public void Dispose()
        {
            _stored.Dispose();
            _numbers.Dispose();
            _quantised.Dispose();
        }
    }
}
