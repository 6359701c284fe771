using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Streaming.Tooling;
using Streaming.Tooling.Processes;

namespace Streaming.Azurite;

/// <summary>
/// Azurite, the emulator of Azure Storage, as a process with ports and a folder of its own. It can be frozen, and stopped and
/// started again with its content.
/// </summary>
public sealed class AzuriteProcess : IAsyncDisposable
{
    private const string Account = "devstoreaccount1";

    // The emulator's well-known key, the same on every machine.
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private const string NewSession = "/usr/bin/setsid";

    private readonly string _folder;
    private readonly bool _keepsFolder;
    private readonly int _blobPort;
    private readonly int _tablePort;
    private readonly ServerProcess _process;

    private AzuriteProcess(string? folder = null, bool inMemory = false, bool takesTokens = false)
    {
        _folder = folder ?? Directory.CreateTempSubdirectory("azurite-").FullName;
        _keepsFolder = folder is not null;
        int[] ports = FreePorts.Take(3);
        (_blobPort, _tablePort) = (ports[0], ports[1]);
        string script = Repository.PathTo("tools", "Streaming.Azurite", "node_modules", "azurite", "dist", "src", "azurite.js");
        if (!File.Exists(script))
            throw new FileNotFoundException($"Azurite is not installed at {script}: build tools/Streaming.Azurite, which installs it.");
        string[] arguments =
        [
            script,
            "--disableTelemetry",
            "--skipApiVersionCheck",
            .. inMemory ? ["--inMemoryPersistence"] : (string[])["--location", _folder],
            .. Service("blob", _blobPort),
            .. Service("table", _tablePort),
            .. Service("queue", ports[2]),
            .. takesTokens ? Https() : [],
        ];
        // With a kept folder it runs in a session of its own where possible, so that a Ctrl-C in the terminal does not reach it:
        // the store must be the last process to stop.
        bool inOwnSession = _keepsFolder && File.Exists(NewSession);
        _process = new ServerProcess(inOwnSession ? NewSession : "node", inOwnSession ? arguments.Prepend("node") : arguments)
        {
            WorkingDirectory = _folder,
            ReadyLine = "Azurite Table service is successfully", // the last of its three services
            LinesKept = 50,
        };
    }

    /// <summary>The connection string for its tables and blobs.</summary>
    public string ConnectionString =>
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};"
        + $"BlobEndpoint=http://127.0.0.1:{_blobPort}/{Account};TableEndpoint=http://127.0.0.1:{_tablePort}/{Account};";

    /// <summary>Starts one and waits until it serves: a new, empty one, or one with the content of a folder, which is kept.</summary>
    public static Task<AzuriteProcess> StartNewAsync(string? folder = null) => StartAsync(new AzuriteProcess(folder));

    /// <summary>
    /// Starts a new, empty one that writes nothing to the disk. One that does writes its whole content every few seconds and answers
    /// no request meanwhile, for longer the more there is.
    /// </summary>
    public static Task<AzuriteProcess> StartInMemoryAsync() => StartAsync(new AzuriteProcess(inMemory: true));

    /// <summary>
    /// Starts a new, empty one that accepts Entra ID tokens as Azure does: over https, with a certificate of its own. It accepts any
    /// token, since it does not check signatures.
    /// </summary>
    public static Task<AzuriteProcess> StartWithIdentityAsync() => StartAsync(new AzuriteProcess(takesTokens: true));

    /// <summary>Its certificate if it accepts tokens, else null.</summary>
    public X509Certificate2? Certificate { get; private set; }

    /// <summary>The address of its tables over https.</summary>
    public Uri Tables => new($"https://127.0.0.1:{_tablePort}/{Account}");

    /// <summary>The address of its blobs over https.</summary>
    public Uri Blobs => new($"https://127.0.0.1:{_blobPort}/{Account}");

    /// <summary>Starts it again with its content, and waits until it serves.</summary>
    public Task StartAsync() => _process.StartAsync();

    /// <summary>Stops it with SIGTERM; its content is then on the disk.</summary>
    public Task StopAsync() => _process.TerminateAsync();

    /// <summary>SIGSTOP: it accepts connections and does not answer.</summary>
    public void Freeze() => _process.Freeze();

    /// <summary>SIGCONT: it answers again.</summary>
    public void Thaw() => _process.Thaw();

    /// <summary>Stops it if its folder is kept; else kills it and deletes the folder.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_keepsFolder && _process.IsStarted)
            await StopAsync();
        await _process.DisposeAsync();
        if (!_keepsFolder)
            Directory.Delete(_folder, recursive: true);
    }

    private static async Task<AzuriteProcess> StartAsync(AzuriteProcess azurite)
    {
        await azurite.StartAsync();
        return azurite;
    }

    private static string[] Service(string name, int port) => [$"--{name}Host", "127.0.0.1", $"--{name}Port", $"{port}"];

    /// <summary>Makes a certificate; returns the arguments for https and tokens.</summary>
    private string[] Https()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        Certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        string certificateFile = Path.Combine(_folder, "certificate.pem"),
            keyFile = Path.Combine(_folder, "key.pem");
        File.WriteAllText(certificateFile, Certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        return ["--oauth", "basic", "--cert", certificateFile, "--key", keyFile];
    }
}
