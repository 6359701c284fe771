using System.Globalization;
using Streaming.Bench.Paper.Runs;
using static Streaming.Bench.Paper.Results.Figures;
using static Streaming.Tooling.Markdown;

namespace Streaming.Bench.Paper.Results;

/// <summary>Time and memory per token by cache size, for recompute and streaming: the paper's figure 10.</summary>
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

        using var time = new Chart("cache size, tokens", "ms per token (logarithmic)");
        double[] slowLog = [.. recompute.Select(output => Math.Log10(output.MsPerToken))],
            fastLog = [.. streaming.Select(output => Math.Log10(output.MsPerToken))];
        time.AddLine(LineLook.Red, "recompute", at, slowLog);
        time.AddLine(LineLook.Blue, "streaming", at, fastLog);
        time.ShowTicks(ticks);
        time.ShowPowersOfTen([.. slowLog, .. fastLog]);
        using var memory = new Chart("cache size, tokens", "peak resident MiB");
        memory.AddLine(LineLook.Red, "recompute", at, recompute.Select(output => output.PeakMiB));
        memory.AddLine(LineLook.Blue, "streaming", at, streaming.Select(output => output.PeakMiB));
        memory.ShowTicks(ticks);
        memory.BeginAtZero(recompute.Concat(streaming).Max(output => output.PeakMiB));

        return $"""
            {Wrap(
                $"""
                {scale.BenchModel.Heading}, {streaming[0].Dtype}, {Plural(streaming[0].Threads, "thread")}, one stream. Medians: of
                {Plural(scale.StreamingSteps, "step")} for streaming, of {Plural(scale.RecomputeSteps, "token")} for recompute. Each
                number comes
                from a process of its own.
                """
            )}

            {Table(
                ["<cache size", "recompute, ms", "streaming, ms", "ratio", "recompute, MiB", "streaming, MiB"],
                scale.BenchCaches.Select(
                    (cache, i) =>
                        (string[])
                            [
                                Count(cache),
                                Digits(recompute[i].MsPerToken),
                                Digits(streaming[i].MsPerToken),
                                Digits(ratios[i]),
                                Digits(recompute[i].PeakMiB),
                                Digits(streaming[i].PeakMiB),
                            ]
                )
            )}
            {time.Save(store.Folder, "figure10-time", "Time per token by cache size")}

            {memory.Save(store.Folder, "figure10-memory", "Resident memory by cache size")}

            {Wrap(
                $"""
                With {Count(scale.BenchCaches[0])} places, a token takes {Digits(ratios[0])} times as long by recompute as by streaming;
                with
                {Count(scale.BenchCaches[^1])}, {Digits(ratios[^1])} times. The paper has 21.7 (Llama-2-7B) and 22.2 (Llama-2-13B) at 4,096.
                """
            )}

            {Wrap(
                """
                The paper measured its ratios on a GPU, where many rows at once cost little more than one, so recomputing a window is
                cheap. On a
                processor it costs all of its arithmetic. The model is far smaller, and both policies run on this engine. Recompute gets
                what helps
                it: logits of the last token alone, and chunks that suit the processor. Memory is that of the whole process, with
                weights and
                runtime, at its peak during the measured steps.
                """
            )}
            """;
    }
}
