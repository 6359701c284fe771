using System.Net;
using System.Net.Sockets;

namespace Streaming.Tooling.Processes;

/// <summary>TCP ports of this machine that no process uses.</summary>
public static class FreePorts
{
    private const int FirstTried = 20_000,
        LastTried = 60_000;

    /// <summary>One free port.</summary>
    public static int Take() => Take(1)[0];

    /// <summary>Several free ports, all different.</summary>
    public static int[] Take(int count)
    {
        TcpListener[] listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        foreach (TcpListener listener in listeners)
            listener.Start();
        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        foreach (TcpListener listener in listeners)
            listener.Dispose();
        return ports;
    }

    /// <summary>The first of several consecutive free ports.</summary>
    /// <exception cref="InvalidOperationException">There are none between 20,000 and 60,000.</exception>
    public static int TakeRange(int count)
    {
        for (int first = FirstTried + Random.Shared.Next((LastTried - FirstTried) / 2); first + count <= LastTried; first += count)
        {
            if (Enumerable.Range(first, count).All(IsFree))
                return first;
        }
        throw new InvalidOperationException($"No {count} consecutive ports are free.");
    }

    /// <summary>Whether no process listens on a port.</summary>
    public static bool IsFree(int port)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
