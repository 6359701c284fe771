using TorchSharp;

namespace Streaming.Inference.Kernels.LibTorch;

/// <summary>libtorch's devices.</summary>
public static class TorchDevices
{
    private const string DevicesOption = "Devices"; // the engine's option

    /// <summary>Finds a device by name.</summary>
    /// <param name="name"><c>cpu</c>, <c>cuda:0</c> and so on.</param>
    /// <exception cref="InputException">This machine or build has no such device.</exception>
    public static torch.Device Of(string name)
    {
        try
        {
            torch.Device device = torch.device(name);
            if (device.type != DeviceType.CUDA || (torch.cuda.is_available() && device.index < torch.cuda.device_count()))
                return device;
            throw new InputException($"The device {name} is not available: libtorch sees {torch.cuda.device_count()} CUDA devices.")
            {
                Option = DevicesOption,
            };
        }
        catch (InvalidOperationException failure)
        {
            throw new InputException(
                $"The device {name} is not available in this build of libtorch: build with -p:Torch=cuda for CUDA, or use cpu.",
                failure
            )
            {
                Option = DevicesOption,
            };
        }
        catch (ArgumentException failure)
        {
            throw new InputException($"There is no device {name}: use cpu, or cuda:0 and so on.", failure) { Option = DevicesOption };
        }
    }
}
