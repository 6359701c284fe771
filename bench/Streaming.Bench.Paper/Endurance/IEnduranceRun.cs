namespace Streaming.Bench.Paper.Endurance;

/// <summary>A very long conversation: its measurement and its report.</summary>
internal interface IEnduranceRun
{
    /// <summary>Its name on the command line and of its files.</summary>
    string Name { get; }

    /// <summary>Its heading.</summary>
    string Title { get; }

    /// <summary>Measures it from the beginning; rows are recorded as they are measured.</summary>
    /// <exception cref="ToolException">It could not continue; what was measured is recorded.</exception>
    Task MeasureAsync(string folder, CancellationToken cancellation);

    /// <summary>Writes its charts; returns its text and tables in Markdown.</summary>
    string Render(string folder, Journal journal);
}
