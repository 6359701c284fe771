using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using IPNetwork = System.Net.IPNetwork;

namespace Streaming.Hosting.Safety;

/// <summary>
/// Takes the client's address, scheme and host from the headers <c>X-Forwarded-For</c>, <c>-Proto</c> and <c>-Host</c> of trusted
/// proxies. From everybody else they mean nothing: a client could write any address into them.
/// </summary>
internal static class ForwardedRequests
{
    /// <summary>Reads an address or a network in CIDR notation.</summary>
    public static bool TryParse(string proxy, out IPNetwork network)
    {
        if (!IPAddress.TryParse(proxy, out IPAddress? address))
            return IPNetwork.TryParse(proxy, out network);
        network = new IPNetwork(address, address.GetAddressBytes().Length * 8);
        return true;
    }

    /// <summary>Puts the headers' values into the request, if there are trusted proxies.</summary>
    public static void UseForwardedRequests(this WebApplication app)
    {
        IReadOnlyList<string> proxies = app.Services.GetRequiredService<IOptions<AccessOptions>>().Value.TrustedProxies;
        if (proxies.Count == 0)
            return;
        var options = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost,
            ForwardLimit = null, // a chain of proxies, as far as each of them is trusted
        };
        options.KnownProxies.Clear(); // the framework's default, this machine
        options.KnownIPNetworks.Clear();
        foreach (string proxy in proxies)
        {
            if (TryParse(proxy, out IPNetwork network))
                options.KnownIPNetworks.Add(network);
        }
        app.UseForwardedHeaders(options);
    }
}
