using Streaming.Bench.Peers.Records;
using Streaming.Bench.Peers.Runners;
using Streaming.Inference.Checkpoints;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>
/// Measures one shape: all settings of all backends take turns at every load, so that other work on the machine slows all of them.
/// </summary>
internal sealed class ShapeMeasurement(Plan plan, string shape, ModelFiles files, SampleFile record)
{
    private const int LogitTokens = 16;
    private readonly ModelConfig _config = Shapes.Of(shape);

    public async Task RunAsync(CancellationToken cancellation)
    {
        await using var runners = new RunnerProcesses();
        var memory = new BackendSetting(
            new Backend("memory", new ByteCosts(0, 0, 0, 0)),
            "",
            1,
            ["bandwidth"],
            RunnerEnvironment.LargePages
        );
        List<BackendSetting> settings = await SettingsAsync(cancellation);
        // Ours are started first: loading needs several times the memory that they keep.
        foreach (BackendSetting setting in settings.AsEnumerable().Reverse())
            await runners.OfAsync(setting, cancellation);
        RecordBytes(settings);
        await CheckAgreementAsync(runners, settings, cancellation);

        foreach (int conversations in plan.Conversations)
        {
            foreach (BackendSetting setting in settings) // warms up: caches are filled, code is compiled
                await AskAsync(setting, new RunnerRequest(Measures.Decode) { Conversations = conversations, Least = plan.LeastSteps });
            for (int round = 0; round < plan.Rounds; round++)
            {
                await ReadAsync(runners, memory, conversations, round, cancellation);
                foreach (BackendSetting setting in settings)
                {
                    double[] ms = await AskAsync(
                        setting,
                        new RunnerRequest(Measures.Decode)
                        {
                            Conversations = conversations,
                            Milliseconds = plan.Turn.TotalMilliseconds,
                            Least = plan.LeastSteps,
                        }
                    );
                    record.Add(Of(Kinds.Decode, setting, round, ms) with { Conversations = conversations });
                }
            }
            Report($"{conversations} conversations");
        }

        foreach (int tokens in plan.Prompts)
        {
            foreach (BackendSetting setting in settings)
                await AskAsync(setting, new RunnerRequest(Measures.Prompt) { Tokens = tokens, Chunk = plan.Chunks.Max() });
            for (int round = 0; round < plan.Rounds; round++)
            {
                foreach (BackendSetting setting in settings)
                {
                    foreach (int chunk in plan.Chunks.Where((chunk, i) => i == 0 || tokens > plan.Chunks[i - 1]))
                    {
                        double[] ms = await AskAsync(
                            setting,
                            new RunnerRequest(Measures.Prompt)
                            {
                                Tokens = tokens,
                                Chunk = chunk,
                                Milliseconds = plan.Turn.TotalMilliseconds / 2,
                            }
                        );
                        string name = tokens > chunk ? $"{setting.Name}, {chunk} at once" : setting.Name;
                        record.Add(Of(Kinds.Prompt, setting, round, ms) with { Tokens = tokens, Setting = name });
                    }
                }
            }
            Report($"prompts of {tokens} tokens");
        }

        async Task<double[]> AskAsync(BackendSetting setting, RunnerRequest request)
        {
            RunnerProcess runner = await runners.OfAsync(setting, cancellation);
            return (await runner.AskAsync(request with { Threads = setting.Threads }, cancellation)).Ms!;
        }
    }

    private async Task<List<BackendSetting>> SettingsAsync(CancellationToken cancellation)
    {
        int slots = plan.Conversations.Max();
        var settings = new List<BackendSetting>();
        foreach (string quant in plan.Quants)
            settings.AddRange(Backends.LlamaCppOf(plan, await files.OfAsync(shape, quant, cancellation), quant, plan.Passive));
        settings.AddRange(plan.Types.SelectMany(type => Backends.OursOf(plan, shape, type, slots)));
        settings.AddRange(Backends.OursOf(plan, shape, plan.Types[0], slots, deterministic: true));
        return settings;
    }

    /// <summary>Records the bytes that a step must read, by backend and load.</summary>
    private void RecordBytes(List<BackendSetting> settings)
    {
        foreach (Backend backend in settings.Select(setting => setting.Backend).Distinct())
        {
            foreach (int conversations in plan.Conversations)
            {
                record.Add(
                    new Sample
                    {
                        Kind = Kinds.StepBytes,
                        Shape = shape,
                        Backend = backend.Name,
                        Conversations = conversations,
                        Bytes = BytesOf(backend, conversations),
                    }
                );
            }
        }
    }

    /// <summary>Checks that all backends compute the same model: their logits after the same tokens have nearly one direction.</summary>
    private async Task CheckAgreementAsync(RunnerProcesses runners, List<BackendSetting> settings, CancellationToken cancellation)
    {
        float[]? first = null;
        foreach (BackendSetting setting in settings.DistinctBy(setting => setting.Process))
        {
            RunnerProcess runner = await runners.OfAsync(setting, cancellation);
            float[] logits = (
                await runner.AskAsync(new RunnerRequest(Measures.Logits) { Tokens = LogitTokens, Threads = setting.Threads }, cancellation)
            ).Logits!;
            first ??= logits;
            double cosine = Cosine(first, logits);
            record.Add(
                new Sample
                {
                    Kind = Kinds.Agreement,
                    Shape = shape,
                    Backend = setting.Backend.Name,
                    Setting = setting.Name,
                    Cosine = cosine,
                }
            );
            // Random weights are far from their values in four bits. Logits of another model have a cosine near 0.
            double least = setting.Backend.Costs.Weight < 1 ? 0.7 : 0.9;
            if (!(cosine >= least))
                throw new InvalidOperationException(
                    $"{setting.Backend.Name} and {settings[0].Backend.Name} do not compute the same model: "
                        + $"the cosine of their logits is {cosine:0.000}, less than {least}."
                );
        }
    }

    /// <summary>Measures how fast memory is read: a large buffer, and one of the size that a step reads.</summary>
    private async Task ReadAsync(
        RunnerProcesses runners,
        BackendSetting memory,
        int conversations,
        int round,
        CancellationToken cancellation
    )
    {
        RunnerProcess runner = await runners.OfAsync(memory, cancellation);
        foreach (int threads in plan.Threads)
        {
            foreach (long bytes in (long[])[plan.MemoryBytes, (long)BytesOf(Backends.Ours(plan.Types[0]), conversations)])
            {
                RunnerReply reply = await runner.AskAsync(
                    new RunnerRequest(Measures.Read)
                    {
                        Threads = threads,
                        Bytes = bytes,
                        Milliseconds = plan.Turn.TotalMilliseconds / 4,
                        Least = 3,
                    },
                    cancellation
                );
                record.Add(
                    new Sample
                    {
                        Kind = Kinds.Read,
                        Shape = shape,
                        Setting = runner.Description,
                        Threads = threads,
                        Conversations = conversations,
                        Round = round,
                        Bytes = bytes,
                        Ms = reply.Ms,
                    }
                );
            }
        }
    }

    private double BytesOf(Backend backend, int conversations) =>
        Shapes.StepBytes(_config, backend.Costs, plan.Layout.Places, conversations);

    private Sample Of(string kind, BackendSetting setting, int round, double[] ms) =>
        new()
        {
            Kind = kind,
            Shape = shape,
            Backend = setting.Backend.Name,
            Setting = setting.Name,
            Threads = setting.Threads,
            Round = round,
            Ms = ms,
        };

    private void Report(string load) => Console.Error.WriteLine($"{shape}: {load} measured");

    private static double Cosine(float[] a, float[] b)
    {
        double product = 0,
            left = 0,
            right = 0;
        for (int i = 0; i < a.Length; i++)
        {
            product += (double)a[i] * b[i];
            left += (double)a[i] * a[i];
            right += (double)b[i] * b[i];
        }
        return product / Math.Sqrt(left * right);
    }
}
