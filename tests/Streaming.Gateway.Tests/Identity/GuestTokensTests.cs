using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Streaming.Gateway.Identity;
using Streaming.Gateway.Tests.Fakes;

namespace Streaming.Gateway.Tests.Identity;

public sealed class GuestTokensTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly GuestTokens _tokens;

    public GuestTokensTests() => _tokens = new GuestTokens(new EphemeralDataProtectionProvider(), _time);

    [Fact]
    public void A_token_says_who_somebody_is_until_its_end_and_not_a_moment_longer()
    {
        string identity = GuestTokens.NewIdentity();
        GuestToken token = _tokens.Issue(identity);
        Assert.Equal(_time.GetUtcNow() + GuestTokens.Lifetime, token.ExpiresAt);

        _time.Advance(GuestTokens.Lifetime - TimeSpan.FromMilliseconds(1));
        Assert.Equal(identity, _tokens.ReadIdentity(token.Token));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Null(_tokens.ReadIdentity(token.Token));
    }

    [Fact]
    public void A_token_of_which_any_character_was_changed_is_nobodys()
    {
        string token = _tokens.Issue("guest-a").Token;
        for (int i = 0; i < token.Length; i++)
        {
            string changed = token[..i] + (token[i] == 'A' ? 'B' : 'A') + token[(i + 1)..];
            Assert.Null(_tokens.ReadIdentity(changed));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("not base64url!")]
    [InlineData("CfDJ8AAAAAAAAAAAAAAAAAAAAAA")]
    public void What_is_no_token_is_nobodys(string text) => Assert.Null(_tokens.ReadIdentity(text));

    [Fact]
    public void A_token_of_other_keys_is_nobodys() =>
        Assert.Null(new GuestTokens(new EphemeralDataProtectionProvider(), _time).ReadIdentity(_tokens.Issue("guest-a").Token));

    [Fact]
    public async Task A_token_that_cannot_be_checked_now_is_not_called_worthless()
    {
        var elements = new List<string>();
        string token = (await TokensOverAsync(new UnreachableGrainFactory(null, new KeyRingInMemory(elements)) { Away = false }))
            .Issue("guest-a")
            .Token;

        // The cluster goes away between the look whether it is there and the first question for the keys.
        var cluster = new UnreachableGrainFactory(null, new KeyRingInMemory(elements)) { Away = false };
        GuestTokens soon = await TokensOverAsync(cluster),
            late = await TokensOverAsync(cluster);
        cluster.Away = true;
        Assert.Equal("guest-a", soon.ReadIdentity(token));
        _time.Advance(TimeSpan.FromMinutes(1)); // What was read then may have changed.
        Assert.Throws<KeysUnavailableException>(() => late.ReadIdentity(token));

        async Task<GuestTokens> TokensOverAsync(UnreachableGrainFactory cluster)
        {
            var ring = new ClusterKeyRing(cluster.Factory, _time);
            var services = new ServiceCollection();
            services.AddDataProtection().SetApplicationName("tests");
            services.Configure<KeyManagementOptions>(o => o.XmlRepository = ring);
            await ring.ReachAsync(TestContext.Current.CancellationToken);
            return new GuestTokens(services.BuildServiceProvider().GetRequiredService<IDataProtectionProvider>(), _time);
        }
    }

    [Fact]
    public void Identities_are_long_and_never_the_same()
    {
        string[] identities = [.. Enumerable.Range(0, 1000).Select(_ => GuestTokens.NewIdentity())];

        Assert.Equal(1000, identities.Distinct().Count());
        Assert.All(identities, identity => Assert.Matches("^guest-[A-Za-z0-9_-]{22}$", identity));
    }
}
