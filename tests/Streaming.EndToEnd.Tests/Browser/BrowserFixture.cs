using Microsoft.Playwright;
using Streaming.EndToEnd.Tests.Browser;
using Streaming.EndToEnd.Tests.Clients;

[assembly: AssemblyFixture(typeof(BrowserFixture))]

namespace Streaming.EndToEnd.Tests.Browser;

/// <summary>A silo with the page, a stand-alone gateway in front of it, and Chromium, started once for all tests.</summary>
public sealed class BrowserFixture : IAsyncDisposable
{
    private static readonly string[] Arguments =
    [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ];

    private readonly TemporaryFolder _data = new();
    private readonly SemaphoreSlim _starting = new(1, 1);
    private HostProcess? _silo;
    private HostProcess? _gateway;
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    internal HostProcess Silo => _silo!;

    internal HostProcess Gateway => _gateway!;

    /// <summary>A new guest's browser context.</summary>
    public async Task<IBrowserContext> NewGuestAsync()
    {
        await _starting.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (_browser is null)
                await StartAsync();
        }
        finally
        {
            _starting.Release();
        }
        IBrowserContext context = await _browser!.NewContextAsync(
            new()
            {
                ViewportSize = new() { Width = 1200, Height = 800 },
            }
        );
        context.SetDefaultTimeout((float)Watcher.DefaultLimit.TotalMilliseconds);
        return context;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
        if (_gateway is not null)
            await _gateway.DisposeAsync();
        if (_silo is not null)
            await _silo.DisposeAsync();
        _data.Dispose();
        _starting.Dispose();
    }

    private async Task StartAsync()
    {
        var ports = ClusterPorts.Free();
        _silo = await HostProcess.Silo(_data.Path, ports).StartAsync();
        _gateway = await HostProcess.Gateway(ports, FreePorts.Take()).StartAsync();
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(
            new()
            {
                ExecutablePath = Environment.GetEnvironmentVariable("CHROMIUM") ?? "/usr/bin/chromium",
                Headless = true,
                Args = Arguments,
            }
        );
    }
}
