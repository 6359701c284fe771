using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Streaming.Azurite;

/// <summary>
/// Azure Storage's emulator as an operating-system process, on ports and with a folder of its own; can be frozen, and stopped and
/// started again with what it holds.
/// </summary>
public sealed class AzuriteProcess : IAsyncDisposable
{
    private const string Account = "devstoreaccount1";

    // The emulator's well-known key, the same on every machine.
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private const int SigTerm = 15;
    private const int SigCont = 18;
    private const int SigStop = 19;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly string _folder;
    private readonly bool _keeps;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly int _blobPort;
    private readonly int _tablePort;
    private readonly int _queuePort;
    private bool _writes = true;
    private Process? _process;

    private AzuriteProcess(string? folder)
    {
        _folder = folder ?? Directory.CreateTempSubdirectory("azurite-").FullName;
        _keeps = folder is not null;
        int[] ports = FreePorts(3);
        (_blobPort, _tablePort, _queuePort) = (ports[0], ports[1], ports[2]);
    }

    /// <summary>How clients reach it.</summary>
    public string ConnectionString =>
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint=http://127.0.0.1:{_blobPort}/{Account};TableEndpoint=http://127.0.0.1:{_tablePort}/{Account};";

    /// <summary>Starts one and waits until it serves: a new, empty one, or with what a folder has, which it keeps.</summary>
    public static async Task<AzuriteProcess> StartNewAsync(string? folder = null)
    {
        var azurite = new AzuriteProcess(folder);
        await azurite.StartAsync();
        return azurite;
    }

    /// <summary>
    /// Starts a new, empty one that writes nothing to the disk: otherwise it writes all that it holds every few seconds and answers
    /// nobody meanwhile, the longer the more there is.
    /// </summary>
    public static async Task<AzuriteProcess> StartInMemoryAsync()
    {
        var azurite = new AzuriteProcess(null) { _writes = false };
        await azurite.StartAsync();
        return azurite;
    }

    /// <summary>
    /// Starts a new, empty one that takes tokens as Azure does: over https, by a certificate of its own, and of anybody, since it
    /// does not check who signed them.
    /// </summary>
    public static async Task<AzuriteProcess> StartWithIdentityAsync()
    {
        var azurite = new AzuriteProcess(null);
        azurite.Certificate = OwnCertificate();
        await File.WriteAllTextAsync(azurite.CertificateFile, azurite.Certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(azurite.KeyFile, azurite.Certificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
        await azurite.StartAsync();
        return azurite;
    }

    /// <summary>Its certificate, if it takes tokens.</summary>
    public X509Certificate2? Certificate { get; private set; }

    /// <summary>Where its tables are, over https.</summary>
    public Uri Tables => new($"https://127.0.0.1:{_tablePort}/{Account}");

    /// <summary>Where its blobs are, over https.</summary>
    public Uri Blobs => new($"https://127.0.0.1:{_blobPort}/{Account}");

    private string CertificateFile => Path.Combine(_folder, "certificate.pem");

    private string KeyFile => Path.Combine(_folder, "key.pem");

    /// <summary>Starts it (again, with what it held) and waits until it serves.</summary>
    public async Task StartAsync()
    {
        var (blobs, tables) = (Signal(), Signal());
        _process = Launch(line =>
        {
            if (line.StartsWith("Azurite Blob service is successfully", StringComparison.Ordinal))
                blobs.TrySetResult();
            if (line.StartsWith("Azurite Table service is successfully", StringComparison.Ordinal))
                tables.TrySetResult();
        });
        Task serves = Task.WhenAll(blobs.Task, tables.Task);
        await Task.WhenAny(serves, _process.WaitForExitAsync()).WaitAsync(s_limit);
        if (!serves.IsCompletedSuccessfully)
            throw new InvalidOperationException($"Azurite ended before it served:\n{string.Join('\n', _output)}");
    }

    /// <summary>Stops it in good order: what it holds is on the disk.</summary>
    public async Task StopAsync()
    {
        Send(SigTerm);
        await _process!.WaitForExitAsync().WaitAsync(s_limit);
        _process.Dispose();
        _process = null;
    }

    /// <summary>Stops its time: it takes connections and does not answer.</summary>
    public void Freeze() => Send(SigStop);

    /// <summary>Lets its time go on.</summary>
    public void Thaw() => Send(SigCont);

    /// <summary>Ends it: in good order if its folder is kept, else at once, and the folder is deleted.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_keeps)
        {
            if (_process is { HasExited: false })
                await StopAsync();
            return;
        }
        if (_process is not null)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private Process Launch(Action<string> onLine)
    {
        string script = Path.Combine(
            RepositoryRoot(),
            "tools",
            "Streaming.Azurite",
            "node_modules",
            "azurite",
            "dist",
            "src",
            "azurite.js"
        );
        if (!File.Exists(script))
            throw new FileNotFoundException(
                $"Azurite is not installed at {script}: build tools/Streaming.Azurite/Streaming.Azurite.csproj, which installs it."
            );
        // In a session of its own where possible: a Ctrl-C is for whoever started it, and the store must be the last to go.
        const string Apart = "/usr/bin/setsid";
        bool isApart = _keeps && File.Exists(Apart);
        var start = new ProcessStartInfo(isApart ? Apart : "node")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        string[] arguments =
        [
            script,
            "--disableTelemetry",
            "--skipApiVersionCheck",
            .. _writes ? ["--location", _folder] : new[] { "--inMemoryPersistence" },
            "--blobHost",
            "127.0.0.1",
            "--blobPort",
            Text(_blobPort),
            "--tableHost",
            "127.0.0.1",
            "--tablePort",
            Text(_tablePort),
            "--queueHost",
            "127.0.0.1",
            "--queuePort",
            Text(_queuePort),
            .. Certificate is null ? Array.Empty<string>() : ["--oauth", "basic", "--cert", CertificateFile, "--key", KeyFile],
        ];
        if (isApart)
            start.ArgumentList.Add("node");
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, e) => Take(e.Data, onLine);
        process.ErrorDataReceived += (_, e) => Take(e.Data, onLine);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Take(string? line, Action<string> onLine)
    {
        if (line is null)
            return;
        _output.Enqueue(line);
        while (_output.Count > 50)
            _output.TryDequeue(out _);
        onLine(line);
    }

    private void Send(int signal)
    {
        if (kill(_process!.Id, signal) != 0)
            throw new InvalidOperationException($"Azurite did not take signal {signal}: error {Marshal.GetLastPInvokeError()}.");
    }

    private static X509Certificate2 OwnCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    private static TaskCompletionSource Signal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static int[] FreePorts(int count)
    {
        List<TcpListener> listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        listeners.ForEach(l => l.Start());
        int[] ports = [.. listeners.Select(l => ((IPEndPoint)l.LocalEndpoint).Port)];
        listeners.ForEach(l => l.Stop());
        return ports;
    }

    private static string RepositoryRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Streaming.Orleans.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException("The tests do not run inside the repository.");
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int pid, int signal);
}
