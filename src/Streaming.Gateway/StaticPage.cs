using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.FileProviders;

namespace Streaming.Gateway;

/// <summary>The web page, from the folder <c>wwwroot</c> beside the host's binary.</summary>
internal static class StaticPage
{
    private const string HashedFiles = "/assets"; // The names of these files change with their content.

    /// <summary>The folder of the page.</summary>
    public static string Folder => Path.Combine(AppContext.BaseDirectory, "wwwroot");

    /// <summary>Serves the page, if the build has one.</summary>
    public static void UsePage(this IApplicationBuilder app, string folder)
    {
        if (!Directory.Exists(folder))
            return;
        var files = new PhysicalFileProvider(folder);
        app.UseDefaultFiles(new DefaultFilesOptions { FileProvider = files });
        app.UseStaticFiles(new StaticFileOptions { FileProvider = files, OnPrepareResponse = SetCaching });
    }

    private static void SetCaching(StaticFileResponseContext file) =>
        file.Context.Response.Headers.CacheControl = file.Context.Request.Path.StartsWithSegments(HashedFiles)
            ? "public, max-age=31536000, immutable"
            : "no-cache";
}
