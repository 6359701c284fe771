using System.Runtime.InteropServices;
using TorchSharp;

namespace Streaming.Inference.Memory;

/// <summary>Access to the memory of contiguous CPU tensors. TorchSharp's own methods allocate at each call.</summary>
internal static unsafe partial class TensorMemory
{
    /// <summary>The address of the first element; the tensor must outlive its use.</summary>
    public static void* AddressOf(torch.Tensor tensor) => (void*)THSTensor_data(tensor.Handle);

    /// <summary>The length of a dimension.</summary>
    public static int Length(torch.Tensor tensor, int dimension) => checked((int)THSTensor_size(tensor.Handle, dimension));

    [LibraryImport("LibTorchSharp")]
    private static partial nint THSTensor_data(nint tensor);

    [LibraryImport("LibTorchSharp")]
    private static partial long THSTensor_size(nint tensor, long dimension);
}
