using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Evaluation;
using Streaming.Inference.Kernels;
using Streaming.Storage.Log;
using Streaming.Storage.Sqlite;

namespace Streaming.Bench.Paper.Endurance.Served;

/// <summary>Reads the token ids of a conversation from the store of a host that has stopped, and scores them.</summary>
internal static class StoredTokens
{
    private const int IdsPerRead = 1 << 16;

    /// <summary>All token ids of a conversation's branch.</summary>
    public static async Task<int[]> ReadAsync(string dataFolder, string id, int branch, CancellationToken cancellation)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.ClearProviders();
        builder.Services.AddSqliteStore(dataFolder);
        using IHost host = builder.Build();
        await host.StartAsync(cancellation);
        try
        {
            IConversationLog log = host.Services.GetRequiredService<IConversationLog>();
            LogHead head = await log.ReadHeadAsync(id, cancellation) ?? throw new ToolException($"The log has no conversation '{id}'.");
            var ids = new List<int>(checked((int)head.Position));
            while (ids.Count < head.Position)
                ids.AddRange(await log.ReadIdsAsync(id, branch, ids.Count, Math.Min(head.Position, ids.Count + IdsPerRead), cancellation));
            return [.. ids];
        }
        finally
        {
            await host.StopAsync(CancellationToken.None);
        }
    }

    /// <summary>Scores a stream with the conversation's cache, in chunks, which gives the same numbers as token by token.</summary>
    public static void Score(
        EnduranceScale scale,
        CacheLayout layout,
        int[] ids,
        int threads,
        Action<ScoreRow> keep,
        CancellationToken cancellation
    )
    {
        using var checkpoint = Checkpoint.Open(Repository.PathTo(scale.Model));
        using var model = EvaluationModel.Load(
            checkpoint.Config,
            checkpoint.Weights,
            new EvaluationOptions
            {
                Policy = CachePolicy.Streaming,
                Sinks = layout.Fixed,
                Window = layout.Window,
                DType = DType.Float32,
                Threads = threads,
            }
        );
        var meter = new ScoreMeter(scale.Segment);
        const int chunk = 100; // a row is a whole number of chunks
        new PerplexityMeasurement(model, EvaluationText.OfStream(ids), scale.Tokens, chunk: chunk).Run(
            progress =>
            {
                if (meter.Take(progress) is { } row)
                    keep(row);
            },
            cancellation
        );
        cancellation.ThrowIfCancellationRequested();
    }
}
