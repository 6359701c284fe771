namespace Streaming.Training.Corpora;

/// <summary>The dialogue generators as mixture files name them.</summary>
internal static class GeneratorNames
{
    public const string SmallTalk = "small-talk",
        Sums = "sums",
        StoryRequests = "story-requests",
        EndlessStories = "endless-stories";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [SmallTalk, Sums, StoryRequests, EndlessStories];
}
