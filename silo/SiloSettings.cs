using Streaming.Clustering;

namespace Streaming.Silo;

/// <summary>The silo's settings, in the section <c>Streaming</c>, which also holds those of the gateway.</summary>
internal sealed class SiloSettings
{
    /// <summary>The checkpoint's directory; by default the model that ships with the project.</summary>
    public string Model { get; set; } = Path.Combine(AppContext.BaseDirectory, "models", "starter");

    /// <summary>The default S of conversations.</summary>
    public int Sinks { get; set; } = 4;

    /// <summary>The default W of conversations; null fills the checkpoint's context, at most 4096 tokens with the sinks.</summary>
    public int? Window { get; set; }

    /// <summary>auto, float32, bfloat16, int8 or int4.</summary>
    public string DType { get; set; } = "auto";

    /// <summary>The devices (cpu, cuda:0, cuda:1, ...), each with a worker; cpu when empty.</summary>
    public string[] Devices { get; set; } = [];

    /// <summary>
    /// Conversations whose tensors a device holds at a time. Idle ones are evicted when others need a slot; if all are running,
    /// others queue.
    /// </summary>
    public int Slots { get; set; } = 8;

    /// <summary>Threads of a CPU device; null leaves one of the processor's threads to the host.</summary>
    public int? Threads { get; set; }

    /// <summary>
    /// Whether results do not depend on other load or on restarts, bit for bit; for float32, int8 and int4 on the CPU
    /// (docs/determinism.md).
    /// </summary>
    public bool Deterministic { get; set; }

    /// <summary>Directory of the embedded store.</summary>
    public string Data { get; set; } = "data";

    /// <summary>The store.</summary>
    public StorageKind Storage { get; set; } = StorageKind.Sqlite;

    /// <summary>How silos find each other.</summary>
    public ClusteringKind Clustering { get; set; } = ClusteringKind.Localhost;

    /// <summary>The storage account, for <see cref="StorageKind.Azure"/> and <see cref="ClusteringKind.Azure"/>.</summary>
    public AzureSettings Azure { get; set; } = new();

    /// <summary>The cluster's name; silos and gateways with the same name form a cluster.</summary>
    public string ClusterId { get; set; } = "streaming";

    /// <summary>The service's name, the same for all its clusters.</summary>
    public string ServiceId { get; set; } = "streaming";

    /// <summary>
    /// The address by which other silos and gateways reach this one. Unless it is a loopback address, the silo listens on all
    /// addresses.
    /// </summary>
    public string AdvertisedAddress { get; set; } = "127.0.0.1";

    /// <summary>The port for other silos.</summary>
    public int SiloPort { get; set; } = 11111;

    /// <summary>The port for stand-alone gateways.</summary>
    public int GatewayPort { get; set; } = 30000;

    /// <summary>Whether this process also serves the page and the hub.</summary>
    public bool Gateway { get; set; } = true;

    /// <summary>The most tokens that are stored and shown as one group.</summary>
    public int GroupTokens { get; set; } = 16;

    /// <summary>How long the first token of a group may wait for the others. Milliseconds.</summary>
    public int GroupMilliseconds { get; set; } = 50;

    /// <summary>Tokens of a long reply between two snapshots of its slot; another one is taken at its end. 0 takes no snapshots.</summary>
    public int SnapshotTokens { get; set; } = 512;

    /// <summary>Tokens of a reply, its prompt included, before it gives its slot up to others; more where copying takes long.</summary>
    public int SliceTokens { get; set; } = 32;

    /// <summary>Tokens of such a slice at most.</summary>
    public int MaxSliceTokens { get; set; } = 2048;

    /// <summary>Snapshots in memory of replies that gave their slot up, for each device, in MiB; others go to the store.</summary>
    public int PreemptedMegabytes { get; set; } = 1024;

    /// <summary>The size of all snapshots in the embedded store, in MiB; the oldest are removed first.</summary>
    public int SnapshotMegabytes { get; set; } = 2048;
}

/// <summary>The kinds of store.</summary>
internal enum StorageKind
{
    /// <summary>One file under <see cref="SiloSettings.Data"/>; one silo.</summary>
    Sqlite,

    /// <summary>Tables and blobs of a storage account, <see cref="SiloSettings.Azure"/>; any number of silos.</summary>
    Azure,
}
