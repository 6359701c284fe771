using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace Streaming.Gateway.Tests;

public sealed class StaticPageTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("page-").FullName;
    private WebApplication? _app;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "assets"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "index.html"), "<!doctype html>", Cancelled);
        await File.WriteAllTextAsync(Path.Combine(_folder, "assets", "index-1a2b.js"), "export {}", Cancelled);
        _app = await StartAsync(_folder);
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("/", "text/html", "no-cache")]
    [InlineData("/index.html", "text/html", "no-cache")]
    [InlineData("/assets/index-1a2b.js", "text/javascript", "public, max-age=31536000, immutable")]
    public async Task Page_is_revalidated_each_time_and_its_hashed_files_are_cached(string path, string type, string caching)
    {
        using var http = new HttpClient { BaseAddress = new Uri(_app!.Urls.Single()) };
        using HttpResponseMessage answer = await http.GetAsync(path, Cancelled);

        Assert.Equal((HttpStatusCode.OK, type), (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType));
        Assert.Equal(caching, answer.Headers.GetValues("Cache-Control").Single());
    }

    [Fact]
    public async Task Host_without_the_page_serves_everything_else()
    {
        await using WebApplication app = await StartAsync(Path.Combine(_folder, "nowhere"));
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };

        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/", Cancelled)).StatusCode);
        Assert.Equal("rest", await http.GetStringAsync("/rest", Cancelled));
    }

    private static async Task<WebApplication> StartAsync(string folder)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(["urls=http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        WebApplication app = builder.Build();
        app.UsePage(folder);
        app.MapGet("/rest", () => "rest");
        await app.StartAsync(Cancelled);
        return app;
    }
}
