using System.Globalization;
using Streaming.Bench.Paper.Runs;
using static Streaming.Bench.Paper.Results.Markdown;

namespace Streaming.Bench.Paper.Results;

/// <summary>Time and memory per token by cache size, recompute against streaming: the paper's figure 10.</summary>
internal sealed class CostByCacheSize(Scale scale, int threads) : IPaperResult
{
    public string Name => "figure10";

    public string Title => "Figure 10: time and memory per token";

    public IReadOnlyList<Run> Runs => [.. scale.BenchCaches.SelectMany(cache => (Run[])[Streaming(cache), Recompute(cache)])];

    private Run Streaming(int cache) => Run.Bench(scale.BenchModel, "streaming", cache, threads, scale.StreamingSteps);

    private Run Recompute(int cache) => Run.Bench(scale.BenchModel, "recompute", cache, threads, scale.RecomputeSteps);

    public string Render(RunStore store)
    {
        BenchOutput[] streaming = [.. scale.BenchCaches.Select(cache => store.Output<BenchOutput>(Streaming(cache)))];
        BenchOutput[] recompute = [.. scale.BenchCaches.Select(cache => store.Output<BenchOutput>(Recompute(cache)))];
        double[] ratios = [.. recompute.Zip(streaming, (slow, fast) => slow.MsPerToken / fast.MsPerToken)];
        double[] at = [.. scale.BenchCaches.Select(cache => Math.Log2(cache))];
        (double, string)[] ticks = [.. scale.BenchCaches.Select(cache => (Math.Log2(cache), cache.ToString(CultureInfo.InvariantCulture)))];

        var time = new Chart("cache size, tokens", "ms per token (logarithmic)");
        double[] slowLog = [.. recompute.Select(output => Math.Log10(output.MsPerToken))],
            fastLog = [.. streaming.Select(output => Math.Log10(output.MsPerToken))];
        time.Add("recompute", "recompute", at, slowLog);
        time.Add("streaming", "streaming", at, fastLog);
        time.TicksX(ticks);
        time.TicksYByPowersOfTen([.. slowLog, .. fastLog]);
        var memory = new Chart("cache size, tokens", "resident MiB at the peak");
        memory.Add("recompute", "recompute", at, recompute.Select(output => output.PeakMiB));
        memory.Add("streaming", "streaming", at, streaming.Select(output => output.PeakMiB));
        memory.TicksX(ticks);
        memory.FromZero(recompute.Concat(streaming).Max(output => output.PeakMiB));

        return $"""
            {scale.BenchModel.Heading}, {streaming[0].Dtype}, {Plural(streaming[0].Threads, "thread")}, one stream. Median of {Plural(scale.StreamingSteps, "step")} for streaming; recompute is sampled, median of {Plural(scale.RecomputeSteps, "token")}. Each number is from a process of its own.

            {Table(
                ["cache size", "recompute, ms", "streaming, ms", "ratio", "recompute, MiB", "streaming, MiB"],
                scale.BenchCaches.Select((cache, i) => (string[])[Count(cache), Number(recompute[i].MsPerToken), Number(streaming[i].MsPerToken), Number(ratios[i]), Number(recompute[i].PeakMiB), Number(streaming[i].PeakMiB)]))}
            {time.Save(store.Folder, "figure10-time", "Time per token by cache size")}

            {memory.Save(store.Folder, "figure10-memory", "Resident memory by cache size")}

            A token by recompute takes {Number(ratios[0])} times as long as by streaming at {Count(scale.BenchCaches[0])} places, and {Number(ratios[^1])} times at {Count(scale.BenchCaches[^1])}. The paper has 21.7 (Llama-2-7B) and 22.2 (Llama-2-13B) at 4,096.

            The ratios are not measured where the paper's were. On its GPU many rows at once cost little more than one, so recomputing a window is cheap there; on a processor it costs its whole arithmetic. The model is far smaller, and both sides are this engine's own. Recompute is given what helps it: logits of the last token alone, in chunks that suit the processor. Memory is the whole process's, weights and runtime included, at its highest during the measured steps.

            """;
    }

    private static string Plural(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";
}
