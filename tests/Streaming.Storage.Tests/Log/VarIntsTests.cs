using CsCheck;
using Streaming.Storage.Log;

namespace Streaming.Storage.Tests.Log;

public sealed class VarIntsTests
{
    [Fact]
    public void Numbers_survive_a_round_trip() =>
        Gen.OneOf(Gen.Int[0, 127], Gen.Int[0, 200_000], Gen.Int[0, int.MaxValue])
            .Array[0, 50]
            .Sample(values => Assert.Equal(values.AsEnumerable(), VarInts.Decode(VarInts.Encode(values))));

    [Fact]
    public void A_negative_number_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => VarInts.Encode([-1]));

    [Theory]
    [InlineData(new byte[] { 0x80 })] // ends inside a number
    [InlineData(new byte[] { 0x01, 0xFF })]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0x0F })] // 2^32 - 1
    [InlineData(new byte[] { 0x80, 0x80, 0x80, 0x80, 0x80, 0x01 })] // six bytes
    public void Damaged_bytes_are_refused(byte[] bytes) => Assert.Throws<InvalidDataException>(() => VarInts.Decode(bytes));
}
