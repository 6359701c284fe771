namespace Streaming.Bench.Peers.Runners;

/// <summary>The main loop of a runner: it says that it is ready, then answers requests until its input ends.</summary>
internal static class RunnerLoop
{
    /// <param name="description">The runner's description of itself.</param>
    /// <param name="answer">Answers a request.</param>
    public static async Task RunAsync(string description, Func<RunnerRequest, Task<RunnerReply>> answer)
    {
        TextWriter answers = Console.Out;
        Console.SetOut(Console.Error); // what libraries print must not mix with the answers
        answers.WriteLine(JsonLines.Of(new RunnerReply { Description = description }));
        while (await Console.In.ReadLineAsync() is { } line)
            answers.WriteLine(JsonLines.Of(await AnswerAsync(answer, line)));
    }

    private static async Task<RunnerReply> AnswerAsync(Func<RunnerRequest, Task<RunnerReply>> answer, string line)
    {
        try
        {
            return await answer(JsonLines.Read<RunnerRequest>(line));
        }
        catch (Exception failure) // the edge of the process: the parent reports it
        {
            return new RunnerReply { Error = failure.Message };
        }
    }

    /// <summary>Refuses a request.</summary>
    public static Task<RunnerReply> Unknown(RunnerRequest request) =>
        throw new InvalidDataException($"This runner cannot measure '{request.Measure}'.");
}
