using Streaming.Storage.Log;

namespace Streaming.Storage.Tests.Log;

public sealed class LogRulesTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(1, 3, 3)]
    [InlineData(3, 1, 3)]
    public void The_required_version_rises_and_never_falls(int head, int append, int expected)
    {
        var before = new LogHead
        {
            Id = "conversation",
            Owner = "owner",
            RequiredVersion = head,
        };
        var next = new LogAppend
        {
            Epoch = 1,
            ExpectedLastSeq = 0,
            LastTurn = 0,
            Running = false,
            State = "",
            RequiredVersion = append,
        };

        Assert.Equal(expected, LogRules.Advance(before, next).RequiredVersion);
    }
}
