using System.Numerics;
using Streaming.Inference.Snapshots;

namespace Streaming.Inference.Tests.Snapshots;

public class StreamHashTests
{
    [Fact]
    public void It_is_FNV_1a_of_the_ids_as_four_bytes()
    {
        int[] ids = [0, 1, 255, 256, 49151, int.MaxValue, 7];
        Assert.Equal("6c62272e07bb014262b821756295c58d", StreamHash.Empty.ToString());
        Assert.Equal(Expected(ids), StreamHash.Empty.Append(ids).ToString());
    }

    [Fact]
    public void It_continues_from_any_position_and_depends_on_the_order()
    {
        int[] ids = [5, 6, 7, 8, 9];
        StreamHash whole = StreamHash.Empty.Append(ids);
        for (int at = 0; at <= ids.Length; at++)
            Assert.Equal(whole, StreamHash.Empty.Append(ids.AsSpan(0, at)).Append(ids.AsSpan(at)));
        Assert.NotEqual(whole, StreamHash.Empty.Append([5, 6, 8, 7, 9]));
        Assert.NotEqual(whole, StreamHash.Empty.Append([5, 6, 7, 8, 9, 0]));
        Assert.NotEqual(StreamHash.Empty, StreamHash.Empty.Append([0]));
    }

    [Fact]
    public void The_last_ids_can_be_removed()
    {
        int[] ids = [0, 1, 255, 256, 49151, int.MaxValue, 7];
        StreamHash whole = StreamHash.Empty.Append(ids);
        for (int at = 0; at <= ids.Length; at++)
            Assert.Equal(StreamHash.Empty.Append(ids.AsSpan(0, at)), whole.Remove(ids.AsSpan(at)));
    }

    private static string Expected(int[] ids)
    {
        BigInteger prime = (BigInteger.One << 88) + 0x13b;
        var hash = BigInteger.Parse("144066263297769815596495629667062367629", System.Globalization.CultureInfo.InvariantCulture);
        foreach (byte part in ids.SelectMany(id => BitConverter.GetBytes(id)))
            hash = (hash ^ part) * prime % (BigInteger.One << 128);
        return ((UInt128)hash).ToString("x32", System.Globalization.CultureInfo.InvariantCulture);
    }
}
