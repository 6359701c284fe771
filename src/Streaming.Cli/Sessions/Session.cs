using System.Text.Json;
using Streaming.Cli.Options;
using Streaming.Inference.Batching;
using Streaming.Inference.Chat;
using Streaming.Inference.Sampling;
using Streaming.Inference.Serving;
using Streaming.Inference.Tokenizing;

namespace Streaming.Cli.Sessions;

/// <summary>A loaded checkpoint and one endless stream on it.</summary>
internal sealed class Session : IAsyncDisposable
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };
    private readonly Engine _engine;
    private readonly IDecodeDevice _device;
    private readonly SamplingParameters _sampling;
    private int[] _unfed = []; // in the stream but not in the cache: the last sampled token, or input that a stop left unread
    private long _fed;
    private readonly StreamWriter? _logProbabilities;

    private Session(Engine engine, GenerationRequest request)
    {
        _engine = engine;
        _device = engine.Devices.Values.Single();
        _sampling = request.Sampling(engine.DefaultSampling, engine.MaxNewTokens, engine.Tokenizer);
        if (request.LogProbabilitiesFile is { } file)
            _logProbabilities = new StreamWriter(file);
        Stats = new GenerationStats
        {
            Seed = request.Seed,
            Sinks = engine.DefaultLayout.Fixed,
            Window = engine.DefaultLayout.Window,
        };
    }

    /// <summary>Renders messages by the checkpoint's chat template.</summary>
    /// <exception cref="Streaming.Inference.InputException">The checkpoint has no usable template.</exception>
    public ChatFormat Chat => _engine.Chat;

    /// <summary>The checkpoint's tokenizer.</summary>
    public Tokenizer Tokenizer => _engine.Tokenizer;

    /// <summary>Counts and times of the replies so far.</summary>
    public GenerationStats Stats { get; private set; }

    /// <summary>The stream's last token; null before the first reply.</summary>
    public int? LastId { get; private set; }

    /// <summary>Loads the checkpoint and starts an empty stream.</summary>
    /// <exception cref="Streaming.Inference.InputException">The checkpoint cannot be loaded.</exception>
    public static Session Load(GenerationRequest request) => new(Engine.Load(request.EngineOptions), request);

    /// <summary>Feeds tokens, and writes the reply as it is sampled, until it ends or <see cref="Stop"/> stops it.</summary>
    /// <param name="input">Token ids to append to the stream.</param>
    /// <param name="output">Receives the reply's text.</param>
    /// <param name="continuesInput">Whether the reply continues the input's text, and is not a text of its own.</param>
    /// <returns>Why the reply ended.</returns>
    public async Task<EndReason> ReplyAsync(int[] input, TextWriter output, bool continuesInput)
    {
        int[] all = [.. _unfed, .. input];
        bool hasText = _fed > 0 || all.Any(id => !Tokenizer.BytesOf(id).IsEmpty);
        var work = new DecodeJob
        {
            Slot = 0,
            Layout = _engine.DefaultLayout,
            Reset = _fed == 0,
            Input = [new TokenRun(_fed, all)],
            BeginsText = !continuesInput || !hasText,
            Sampling = _sampling,
        };
        long sampled = 0;
        DecodeEnded? ended = null;
        await foreach (DecodeOutput part in _device.DecodeAsync(work))
        {
            string text = "";
            if (part is TokenSampled token)
            {
                sampled++;
                LastId = token.Id;
                text = token.Text;
                if (_logProbabilities is not null)
                    await _logProbabilities.WriteLineAsync(JsonSerializer.Serialize(token.LogProbabilities, s_json));
            }
            else if (part is DecodeEnded end)
            {
                ended = end;
                text = end.Text;
            }
            if (text.Length == 0)
                continue;
            await output.WriteAsync(text);
            await output.FlushAsync();
        }
        if (ended is null)
            throw new InvalidOperationException("The device ended a reply without saying why.");
        Advance(all, sampled, ended);
        return ended.Reason;
    }

    /// <summary>Stops the reply after the current step.</summary>
    public void Stop() => _device.Stop(0, EndReason.Stopped);

    /// <summary>Writes the stats to a JSON file.</summary>
    public Task WriteStatsAsync(string file) => File.WriteAllTextAsync(file, Stats.ToJson());

    public async ValueTask DisposeAsync()
    {
        if (_logProbabilities is not null)
            await _logProbabilities.DisposeAsync();
        await _engine.DisposeAsync();
    }

    private void Advance(int[] input, long sampled, DecodeEnded ended)
    {
        if (sampled > 0)
        {
            _fed += input.Length + sampled - 1;
            _unfed = [LastId!.Value];
        }
        else
        {
            _fed += ended.InputTokens;
            _unfed = input[(int)ended.InputTokens..];
            LastId = input[^1];
        }
        Stats = Stats.With(ended, sampled, position: _fed + _unfed.Length);
    }
}
