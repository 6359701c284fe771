namespace Streaming.Bench.Peers.Sides;

/// <summary>A side's life: it says that it is ready, then answers one request after another until its input ends.</summary>
internal static class SideLoop
{
    /// <param name="side">Answers a request.</param>
    /// <param name="says">What the side says about itself when it is ready.</param>
    public static async Task RunAsync(string says, Func<SideRequest, Task<SideReply>> side)
    {
        TextWriter answers = Console.Out;
        Console.SetOut(Console.Error); // whatever a library prints is no answer
        answers.WriteLine(Lines.Of(new SideReply { Says = says }));
        while (await Console.In.ReadLineAsync() is { } line)
            answers.WriteLine(Lines.Of(await AnswerAsync(side, line)));
    }

    private static async Task<SideReply> AnswerAsync(Func<SideRequest, Task<SideReply>> side, string line)
    {
        try
        {
            return await side(Lines.Read<SideRequest>(line));
        }
        catch (Exception failure) // the edge of the process: the asking side reports it
        {
            return new SideReply { Error = failure.Message };
        }
    }

    /// <summary>A request that this side does not know.</summary>
    public static Task<SideReply> Unknown(SideRequest request) =>
        throw new InvalidDataException($"This side does not measure '{request.Measure}'.");
}
