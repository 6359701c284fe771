using TorchSharp;

namespace Streaming.Inference.Kernels.LibTorch;

/// <summary>The devices that libtorch computes on.</summary>
public static class TorchDevices
{
    private const string DevicesOption = "Devices"; // of the engine

    /// <summary>The device of a name.</summary>
    /// <param name="name"><c>cpu</c>, <c>cuda:0</c> and so on.</param>
    /// <exception cref="InputException">There is none of this name here.</exception>
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
                $"The device {name} is not available: this build's libtorch does not know it (build with -p:Torch=cuda for CUDA, or use cpu).",
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
