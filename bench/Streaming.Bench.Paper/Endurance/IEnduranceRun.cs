namespace Streaming.Bench.Paper.Endurance;

/// <summary>One very long conversation: how it is made, and what is said of it.</summary>
internal interface IEnduranceRun
{
    /// <summary>How the command line and its files name it.</summary>
    string Name { get; }

    /// <summary>Its heading.</summary>
    string Title { get; }

    /// <summary>Makes it from the beginning; what is measured is kept as it goes.</summary>
    /// <exception cref="MeasurementException">It could not go on; what was measured is kept.</exception>
    Task MeasureAsync(string folder, CancellationToken cancellation);

    /// <summary>Writes its plots; its text and tables in Markdown.</summary>
    string Render(string folder, Journal journal);
}
