namespace Streaming.Clustering;

/// <summary>How silos and gateways find each other.</summary>
public enum ClusteringKind
{
    /// <summary>One silo and its gateways on one machine.</summary>
    Localhost,

    /// <summary>Any number of silos and gateways, through a table in Azure Storage.</summary>
    Azure,
}
