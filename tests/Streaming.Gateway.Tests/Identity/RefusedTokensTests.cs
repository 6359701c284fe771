using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Streaming.Gateway.Identity;

namespace Streaming.Gateway.Tests.Identity;

public sealed class RefusedTokensTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Lines _lines = new();
    private readonly RefusedTokens _refused;

    public RefusedTokensTests() => _refused = new RefusedTokens(_time, _lines);

    [Fact]
    public void Refused_token_is_logged_once_and_not_printed()
    {
        for (int i = 0; i < 100; i++)
            _refused.Report("secret-one");
        _refused.Report("secret-two");

        Assert.Equal(2, _lines.Written.Count);
        Assert.All(_lines.Written, line => Assert.DoesNotContain("secret", line, StringComparison.Ordinal));
    }

    [Fact]
    public void Guessed_tokens_write_a_bounded_number_of_lines()
    {
        for (int i = 0; i < 10 * RefusedTokens.Remembered; i++)
            _refused.Report($"guess {i}");
        Assert.Equal(RefusedTokens.LinesPerMinute, _lines.Written.Count);

        _time.Advance(TimeSpan.FromMinutes(1));
        _refused.Report("another");
        Assert.Equal(RefusedTokens.LinesPerMinute + 1, _lines.Written.Count);
    }

    private sealed class Lines : ILogger<RefusedTokens>
    {
        public List<string> Written { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => Written.Add(formatter(state, exception));
    }
}
