using Streaming.Bench.Peers.Records;
using Streaming.Bench.Peers.Sides;
using Streaming.Inference.Checkpoints;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>Everybody with one shape: all settings of all contestants take turns at every load, so that whatever else the machine does slows all.</summary>
internal sealed class ShapeMeasurement(Plan plan, string shape, ModelFiles files, SampleFile record)
{
    private const int LogitTokens = 16;
    private readonly ModelConfig _config = Shapes.Of(shape);

    public async Task RunAsync(CancellationToken cancellation)
    {
        await using var sides = new SideProcesses();
        var memory = new Candidate(new Contestant("memory", new ByteCosts(0, 0, 0, 0)), "", 1, ["bandwidth"], SideEnvironment.LargePages);
        List<Candidate> candidates = await CandidatesAsync(cancellation);
        foreach (Candidate candidate in candidates.AsEnumerable().Reverse()) // ours first: loading takes them several times what they keep
            await sides.OfAsync(candidate, cancellation);
        RecordBytes(candidates);
        await CheckAgreementAsync(sides, candidates, cancellation);

        foreach (int conversations in plan.Conversations)
        {
            foreach (Candidate candidate in candidates) // warms up: caches are filled, code is compiled
                await AskAsync(candidate, new SideRequest(Measures.Decode) { Conversations = conversations, Least = plan.LeastSteps });
            for (int round = 0; round < plan.Rounds; round++)
            {
                await ReadAsync(sides, memory, conversations, round, cancellation);
                foreach (Candidate candidate in candidates)
                {
                    double[] ms = await AskAsync(
                        candidate,
                        new SideRequest(Measures.Decode)
                        {
                            Conversations = conversations,
                            Milliseconds = plan.Turn.TotalMilliseconds,
                            Least = plan.LeastSteps,
                        }
                    );
                    record.Add(Of(Kinds.Decode, candidate, round, ms) with { Conversations = conversations });
                }
            }
            Tell($"{conversations} conversations");
        }

        foreach (int tokens in plan.Prompts)
        {
            foreach (Candidate candidate in candidates)
                await AskAsync(candidate, new SideRequest(Measures.Prompt) { Tokens = tokens, Chunk = plan.Chunks.Max() });
            for (int round = 0; round < plan.Rounds; round++)
            {
                foreach (Candidate candidate in candidates)
                {
                    foreach (int chunk in plan.Chunks.Where((chunk, i) => i == 0 || tokens > plan.Chunks[i - 1]))
                    {
                        double[] ms = await AskAsync(
                            candidate,
                            new SideRequest(Measures.Prompt)
                            {
                                Tokens = tokens,
                                Chunk = chunk,
                                Milliseconds = plan.Turn.TotalMilliseconds / 2,
                            }
                        );
                        string setting = tokens > chunk ? $"{candidate.Setting}, {chunk} at once" : candidate.Setting;
                        record.Add(Of(Kinds.Prompt, candidate, round, ms) with { Tokens = tokens, Setting = setting });
                    }
                }
            }
            Tell($"prompts of {tokens} tokens");
        }

        async Task<double[]> AskAsync(Candidate candidate, SideRequest request)
        {
            SideProcess side = await sides.OfAsync(candidate, cancellation);
            return (await side.AskAsync(request with { Threads = candidate.Threads }, cancellation)).Ms!;
        }
    }

    private async Task<List<Candidate>> CandidatesAsync(CancellationToken cancellation)
    {
        int slots = plan.Conversations.Max();
        var candidates = new List<Candidate>();
        foreach (string quant in plan.Quants)
            candidates.AddRange(Contestants.LlamaCppOf(plan, await files.OfAsync(shape, quant, cancellation), quant, plan.Passive));
        candidates.AddRange(plan.Types.SelectMany(type => Contestants.OursOf(plan, shape, type, slots)));
        candidates.AddRange(Contestants.OursOf(plan, shape, plan.Types[0], slots, deterministic: true));
        return candidates;
    }

    /// <summary>The bytes that a step must read, by contestant and load.</summary>
    private void RecordBytes(List<Candidate> candidates)
    {
        foreach (Contestant contestant in candidates.Select(candidate => candidate.Of).Distinct())
        {
            foreach (int conversations in plan.Conversations)
            {
                record.Add(
                    new Sample
                    {
                        Kind = Kinds.StepBytes,
                        Shape = shape,
                        Contestant = contestant.Name,
                        Conversations = conversations,
                        Bytes = BytesOf(contestant, conversations),
                    }
                );
            }
        }
    }

    /// <summary>All sides compute the same model: their logits after the same tokens point the same way.</summary>
    private async Task CheckAgreementAsync(SideProcesses sides, List<Candidate> candidates, CancellationToken cancellation)
    {
        float[]? first = null;
        foreach (Candidate candidate in candidates.DistinctBy(candidate => candidate.Process))
        {
            SideProcess side = await sides.OfAsync(candidate, cancellation);
            float[] logits = (
                await side.AskAsync(new SideRequest(Measures.Logits) { Tokens = LogitTokens, Threads = candidate.Threads }, cancellation)
            ).Logits!;
            first ??= logits;
            double cosine = Cosine(first, logits);
            record.Add(
                new Sample
                {
                    Kind = Kinds.Agreement,
                    Shape = shape,
                    Contestant = candidate.Of.Name,
                    Setting = candidate.Setting,
                    Cosine = cosine,
                }
            );
            double least = candidate.Of.Costs.Weight < 1 ? 0.7 : 0.9; // four bits of random numbers are far from the numbers; another model's logits are at 0
            if (!(cosine >= least))
                throw new InvalidOperationException(
                    $"{candidate.Of.Name} does not compute the model that {candidates[0].Of.Name} does: the cosine of their logits is {cosine:0.000}, less than {least}."
                );
        }
    }

    /// <summary>The memory's speed, over much more than a step and over as much as a step reads.</summary>
    private async Task ReadAsync(SideProcesses sides, Candidate memory, int conversations, int round, CancellationToken cancellation)
    {
        SideProcess side = await sides.OfAsync(memory, cancellation);
        foreach (int threads in plan.Threads)
        {
            foreach (long bytes in (long[])[plan.MemoryBytes, (long)BytesOf(Contestants.Ours(plan.Types[0]), conversations)])
            {
                SideReply reply = await side.AskAsync(
                    new SideRequest(Measures.Read)
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
                        Setting = side.Says,
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

    private double BytesOf(Contestant contestant, int conversations) =>
        Shapes.StepBytes(_config, contestant.Costs, plan.Layout.Places, conversations);

    private Sample Of(string kind, Candidate candidate, int round, double[] ms) =>
        new()
        {
            Kind = kind,
            Shape = shape,
            Contestant = candidate.Of.Name,
            Setting = candidate.Setting,
            Threads = candidate.Threads,
            Round = round,
            Ms = ms,
        };

    private void Tell(string load) => Console.Error.WriteLine($"{shape}: {load} measured");

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
