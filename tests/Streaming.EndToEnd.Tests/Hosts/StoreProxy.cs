using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests.Hosts;

/// <summary>What a store's way there may do to a request.</summary>
internal enum StoreFault
{
    /// <summary>Nothing: it arrives, and its answer too.</summary>
    None,

    /// <summary>The connection ends before the request arrives.</summary>
    Refused,

    /// <summary>No answer, for as long as the caller waits; it does not arrive either.</summary>
    Hangs,

    /// <summary>It arrives and takes effect, and the connection ends before the answer.</summary>
    AnswerLost,

    /// <summary>409, without arriving.</summary>
    Conflict = 409,

    /// <summary>412, without arriving.</summary>
    PreconditionFailed = 412,

    /// <summary>429, without arriving.</summary>
    TooManyRequests = 429,

    /// <summary>500, without arriving.</summary>
    ServerError = 500,

    /// <summary>503, without arriving.</summary>
    Busy = 503,
}

/// <summary>A way to Azurite's tables and blobs that misbehaves when the test wants it to.</summary>
internal sealed partial class StoreProxy : IAsyncDisposable
{
    private static readonly HashSet<string> NotForwarded = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host",
        "Connection",
        "Transfer-Encoding",
        "Expect",
    };

    private readonly WebApplication _app;
    private readonly HttpMessageInvoker _client = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
    private readonly Dictionary<int, int> _ports;
    private volatile StoreFault _fault;
    private int _hits;

    private StoreProxy(WebApplication app, Dictionary<int, int> ports, string connectionString)
    {
        _app = app;
        _ports = ports;
        ConnectionString = connectionString;
    }

    /// <summary>How clients reach the store through here.</summary>
    public string ConnectionString { get; }

    /// <summary>Requests that met the present fault.</summary>
    public int Hits => Volatile.Read(ref _hits);

    /// <summary>Waits until the present fault has met so many requests.</summary>
    public async Task HitAsync(int requests)
    {
        using var limit = new CancellationTokenSource(Watcher.DefaultLimit);
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (Hits < requests)
            await look.WaitForNextTickAsync(limit.Token);
    }

    /// <summary>Begins to forward to a store.</summary>
    public static async Task<StoreProxy> StartAsync(string connectionString)
    {
        int[] behind =
        [
            .. Ports()
                .Matches(connectionString)
                .Select(m => int.Parse(m.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)),
        ];
        int[] own = FreePorts.Take(behind.Length);
        foreach ((int port, int instead) in behind.Zip(own))
            connectionString = connectionString.Replace($"127.0.0.1:{port}/", $"127.0.0.1:{instead}/", StringComparison.Ordinal);

        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k =>
        {
            k.Limits.MaxRequestBodySize = null;
            foreach (int port in own)
                k.Listen(IPAddress.Loopback, port);
        });
        WebApplication app = builder.Build();
        var proxy = new StoreProxy(app, own.Zip(behind).ToDictionary(), connectionString);
        app.Run(proxy.AnswerAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return proxy;
    }

    /// <summary>From here on every request meets this.</summary>
    public void Inject(StoreFault fault)
    {
        Volatile.Write(ref _hits, 0);
        _fault = fault;
    }

    public async ValueTask DisposeAsync()
    {
        Inject(StoreFault.Refused); // Nobody need wait for what hangs.
        await _app.DisposeAsync();
        _client.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        StoreFault fault = _fault;
        if (fault != StoreFault.None)
            Interlocked.Increment(ref _hits);
        switch (fault)
        {
            case StoreFault.None:
                await ForwardAsync(context, context.Response);
                break;
            case StoreFault.AnswerLost:
                await ForwardAsync(context, null);
                context.Abort();
                break;
            case StoreFault.Refused:
                context.Abort();
                break;
            case StoreFault.Hangs:
                var gaveUp = new TaskCompletionSource();
                using (context.RequestAborted.Register(gaveUp.SetResult))
                    await gaveUp.Task;
                break;
            default:
                context.Response.StatusCode = (int)fault;
                context.Response.Headers["x-ms-error-code"] = "InjectedByTheTest";
                break;
        }
    }

    private async Task ForwardAsync(HttpContext context, HttpResponse? to)
    {
        HttpRequest from = context.Request;
        var body = new MemoryStream(); // Whole first, so that whoever gives up half-way has sent nothing.
        await from.Body.CopyToAsync(body, context.RequestAborted);
        body.Position = 0;
        // Character by character: the path is signed as it was sent.
        string target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var address = new Uri(
            $"http://127.0.0.1:{_ports[context.Connection.LocalPort]}{target}",
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }
        );
        using var request = new HttpRequestMessage(new HttpMethod(from.Method), address) { Content = new StreamContent(body) };
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in from.Headers)
        {
            if (!NotForwarded.Contains(name) && !request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                request.Content.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
        using HttpResponseMessage answer = await _client.SendAsync(request, context.RequestAborted);
        byte[] content = await answer.Content.ReadAsByteArrayAsync(context.RequestAborted);
        if (to is null)
            return;
        to.StatusCode = (int)answer.StatusCode;
        foreach ((string name, IEnumerable<string> values) in answer.Headers.Concat(answer.Content.Headers))
        {
            if (!NotForwarded.Contains(name))
                to.Headers[name] = values.ToArray();
        }
        if (from.Method != "HEAD" && to.StatusCode is not (204 or 304))
            await to.Body.WriteAsync(content, context.RequestAborted);
    }

    [GeneratedRegex(@"127\.0\.0\.1:(\d+)/")]
    private static partial Regex Ports();
}
