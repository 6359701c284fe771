using Streaming.Clustering;

namespace Streaming.Silo;

/// <summary>The silo's settings, section <c>Streaming</c>; those of the gateway in the same process stand in the same section.</summary>
internal sealed class SiloSettings
{
    /// <summary>The checkpoint's directory; by default the model that ships with the project.</summary>
    public string Model { get; set; } = Path.Combine(AppContext.BaseDirectory, "models", "starter");

    /// <summary>S of conversations that ask for nothing else.</summary>
    public int Sinks { get; set; } = 4;

    /// <summary>W; by default what fills the checkpoint's context, at most 4096 tokens with the sinks.</summary>
    public int? Window { get; set; }

    /// <summary>auto, float32, bfloat16, int8 or int4.</summary>
    public string DType { get; set; } = "auto";

    /// <summary>cpu, cuda:0, cuda:1, ...: one worker each.</summary>
    public string[] Devices { get; set; } = [];

    /// <summary>Conversations whose tensors a device holds at a time; more wait in line, or give way while idle.</summary>
    public int Slots { get; set; } = 8;

    /// <summary>Threads of a CPU device; by default one less than the processor has, so that the host has one.</summary>
    public int? Threads { get; set; }

    /// <summary>The same bits for a conversation whatever else is computed, and after any rebuild; for float32, int8 and int4 on the CPU (docs/determinism.md).</summary>
    public bool Deterministic { get; set; }

    /// <summary>Directory of the embedded store.</summary>
    public string Data { get; set; } = "data";

    /// <summary>Where things last.</summary>
    public StorageKind Storage { get; set; } = StorageKind.Sqlite;

    /// <summary>How silos find each other.</summary>
    public ClusteringKind Clustering { get; set; } = ClusteringKind.Localhost;

    /// <summary>The storage account, for <see cref="StorageKind.Azure"/> and <see cref="ClusteringKind.Azure"/>.</summary>
    public AzureSettings Azure { get; set; } = new();

    /// <summary>Names the cluster: silos and gateways with the same one belong together.</summary>
    public string ClusterId { get; set; } = "streaming";

    /// <summary>Names the service, for all its clusters.</summary>
    public string ServiceId { get; set; } = "streaming";

    /// <summary>The address by which other silos and gateways reach this one; unless it is this machine's own, the silo listens on all.</summary>
    public string AdvertisedAddress { get; set; } = "127.0.0.1";

    /// <summary>Port by which silos talk with each other.</summary>
    public int SiloPort { get; set; } = 11111;

    /// <summary>Port by which stand-alone gateways talk with the silo.</summary>
    public int GatewayPort { get; set; } = 30000;

    /// <summary>Whether page, hub and API are served by this process too.</summary>
    public bool Gateway { get; set; } = true;

    /// <summary>Tokens of a group that is stored and shown at once.</summary>
    public int GroupTokens { get; set; } = 16;

    /// <summary>How long the first token of a group may wait for the others, milliseconds.</summary>
    public int GroupMilliseconds { get; set; } = 50;

    /// <summary>Tokens of a long reply between two snapshots of its slot, besides the one at its end; 0 takes none at all.</summary>
    public int SnapshotTokens { get; set; } = 512;

    /// <summary>What all snapshots of the embedded store may take together, MiB; the oldest give way.</summary>
    public int SnapshotMegabytes { get; set; } = 2048;
}

/// <summary>Where things last.</summary>
internal enum StorageKind
{
    /// <summary>One file under <see cref="SiloSettings.Data"/>; one silo.</summary>
    Sqlite,

    /// <summary>Tables and blobs of a storage account, <see cref="SiloSettings.Azure"/>; any number of silos.</summary>
    Azure,
}
