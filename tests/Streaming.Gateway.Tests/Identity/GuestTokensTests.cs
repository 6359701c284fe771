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
    public void Token_is_valid_until_it_expires()
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
    public void Expired_token_can_be_renewed_for_sixty_days()
    {
        string token = _tokens.Issue("guest-a").Token;
        _time.Advance(GuestTokens.Lifetime + TimeSpan.FromDays(60) - TimeSpan.FromMilliseconds(1));
        Assert.Null(_tokens.ReadIdentity(token));
        Assert.Equal("guest-a", _tokens.ReadIdentityForRenewal(token));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Null(_tokens.ReadIdentityForRenewal(token));
    }

    [Fact]
    public void Token_with_any_changed_character_is_invalid()
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
    public void Malformed_token_is_invalid(string text) => Assert.Null(_tokens.ReadIdentity(text));

    [Fact]
    public void Token_of_another_key_ring_is_invalid() =>
        Assert.Null(new GuestTokens(new EphemeralDataProtectionProvider(), _time).ReadIdentity(_tokens.Issue("guest-a").Token));

    [Fact]
    public async Task Token_is_not_invalid_while_the_keys_are_unavailable()
    {
        var elements = new List<string>();
        string token = (await TokensOverAsync(new UnreachableGrainFactory(null, new KeyRingInMemory(elements)) { IsUnreachable = false }))
            .Issue("guest-a")
            .Token;

        // The cluster becomes unreachable between EnsureReadAsync and the first read of the keys.
        var cluster = new UnreachableGrainFactory(null, new KeyRingInMemory(elements)) { IsUnreachable = false };
        GuestTokens soon = await TokensOverAsync(cluster),
            late = await TokensOverAsync(cluster);
        cluster.IsUnreachable = true;
        Assert.Equal("guest-a", soon.ReadIdentity(token));
        _time.Advance(TimeSpan.FromMinutes(1)); // The prefetched keys may be outdated.
        Assert.Throws<KeysUnavailableException>(() => late.ReadIdentity(token));

        async Task<GuestTokens> TokensOverAsync(UnreachableGrainFactory cluster)
        {
            var ring = new ClusterKeyRing(cluster.Factory, _time);
            var services = new ServiceCollection();
            services.AddDataProtection().SetApplicationName("tests");
            services.Configure<KeyManagementOptions>(o => o.XmlRepository = ring);
            await ring.EnsureReadAsync(TestContext.Current.CancellationToken);
            return new GuestTokens(services.BuildServiceProvider().GetRequiredService<IDataProtectionProvider>(), _time);
        }
    }

    [Fact]
    public void Identities_are_long_and_unique()
    {
        string[] identities = [.. Enumerable.Range(0, 1000).Select(_ => GuestTokens.NewIdentity())];

        Assert.Equal(1000, identities.Distinct().Count());
        Assert.All(identities, identity => Assert.Matches("^guest-[A-Za-z0-9_-]{22}$", identity));
    }
}
