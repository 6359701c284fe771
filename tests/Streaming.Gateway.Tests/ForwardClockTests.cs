using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Streaming.Contracts.Conversations;
using Streaming.Gateway.Tests.Fakes;
using Streaming.Hosting;

namespace Streaming.Gateway.Tests;

public sealed class ForwardClockTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Clock_runs_at_half_speed_until_the_systems_has_caught_up()
    {
        var system = new SettableClock { Now = Start };
        var clock = new ForwardClock(system);
        Assert.Equal(Start, clock.GetUtcNow());

        system.Now -= TimeSpan.FromMinutes(20);
        Assert.Equal(Start, clock.GetUtcNow());
        system.Pass(TimeSpan.FromMinutes(10));
        Assert.Equal(Start + TimeSpan.FromMinutes(5), clock.GetUtcNow());
        system.Pass(TimeSpan.FromMinutes(14));
        Assert.Equal(Start + TimeSpan.FromMinutes(12), clock.GetUtcNow());
        system.Pass(TimeSpan.FromMinutes(10)); // The system's clock has 14 minutes; at half speed it were 17.
        Assert.Equal(Start + TimeSpan.FromMinutes(14), clock.GetUtcNow());
        system.Pass(TimeSpan.FromMinutes(1));
        Assert.Equal(Start + TimeSpan.FromMinutes(15), clock.GetUtcNow());
    }

    [Fact]
    public async Task Conversations_are_created_after_the_clock_was_set_back_by_twenty_minutes()
    {
        CancellationToken cancelled = TestContext.Current.CancellationToken;
        var system = new SettableClock { Now = DateTimeOffset.UtcNow };
        await using WebApplication silo = Gateways.Build(
            new FakeConversations(),
            builder =>
            {
                builder.Services.AddSingleton<TimeProvider>(new ForwardClock(system));
                builder.UseOrleans(orleans => orleans.UseLocalhostClustering(FreePorts.Take(), FreePorts.Take()));
            }
        );
        await silo.StartAsync(cancelled);
        await using HubConnection hub = await Gateways.ConnectAsync(new Uri(silo.Urls.Single()));
        await hub.InvokeAsync<Conversation>("CreateConversation", cancelled);

        system.Now -= TimeSpan.FromMinutes(20);
        Assert.NotEmpty((await hub.InvokeAsync<Conversation>("CreateConversation", cancelled)).Id);
    }

    /// <summary>The system's clock, which somebody sets; its timestamps only grow.</summary>
    private sealed class SettableClock : TimeProvider
    {
        private TimeSpan _passed;

        public DateTimeOffset Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Pass(TimeSpan time)
        {
            Now += time;
            _passed += time;
        }

        public override DateTimeOffset GetUtcNow() => Now;

        public override long GetTimestamp() => _passed.Ticks;
    }
}
