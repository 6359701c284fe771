using TorchSharp;

namespace Streaming.Inference.Tests;

public class NativeLibraryTests
{
    [Fact]
    public void Libtorch_loads_on_this_system()
    {
        using torch.Tensor sum = torch.ones(3).sum();
        Assert.Equal(3f, sum.item<float>());
    }
}
