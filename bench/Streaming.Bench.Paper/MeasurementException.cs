namespace Streaming.Bench.Paper;

/// <summary>A measurement could not be made; the message is one sentence that says which, why, and what to do.</summary>
internal sealed class MeasurementException(string message) : Exception(message);
