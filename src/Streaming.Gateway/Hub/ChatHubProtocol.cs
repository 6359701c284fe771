using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.ExceptionServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;

namespace Streaming.Gateway.Hub;

/// <summary>
/// Adds to a hub protocol (JSON or MessagePack) what SignalR lacks: optional arguments at the end may be left out, an invalid text
/// is refused with its place, and an error is the sentence itself, without SignalR's words before it.
/// </summary>
internal sealed class ChatHubProtocol(IHubProtocol inner) : IHubProtocol
{
    private const string Prefix = "HubException: ";

    /// <summary>The default values of each method's optional parameters.</summary>
    private static readonly Dictionary<string, object?[]> Defaults = typeof(ChatHub)
        .GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        .ToDictionary(
            method => method.Name,
            method =>
                method
                    .GetParameters()
                    .Where(parameter => parameter.HasDefaultValue && parameter.ParameterType != typeof(CancellationToken))
                    .Select(parameter => parameter.DefaultValue)
                    .ToArray(),
            StringComparer.OrdinalIgnoreCase
        );

    /// <inheritdoc />
    public string Name => inner.Name;

    /// <inheritdoc />
    public int Version => inner.Version;

    /// <inheritdoc />
    public TransferFormat TransferFormat => inner.TransferFormat;

    /// <inheritdoc />
    public bool IsVersionSupported(int version) => inner.IsVersionSupported(version);

    /// <inheritdoc />
    public ReadOnlyMemory<byte> GetMessageBytes(HubMessage message) => inner.GetMessageBytes(WithPlainError(message));

    /// <inheritdoc />
    public void WriteMessage(HubMessage message, IBufferWriter<byte> output) => inner.WriteMessage(WithPlainError(message), output);

    /// <inheritdoc />
    public bool TryParseMessage(ref ReadOnlySequence<byte> input, IInvocationBinder binder, [NotNullWhen(true)] out HubMessage? message)
    {
        ReadOnlySequence<byte> start = input;
        if (!inner.TryParseMessage(ref input, binder, out message))
            return false;
        if (message is not InvocationBindingFailureMessage failure)
            return true;
        if (SentenceOf(failure.BindingFailure.SourceException) is { } sentence)
            message = new InvocationBindingFailureMessage(
                failure.InvocationId,
                failure.Target,
                ExceptionDispatchInfo.Capture(new HubException(sentence))
            );
        else if (Defaults.TryGetValue(failure.Target, out object?[]? defaults))
            message = ParseWithDefaults(start, binder, defaults) ?? message;
        return true;
    }

    /// <summary>The sentence for arguments that cannot be read; null when the contract is all that can be said.</summary>
    private static string? SentenceOf(Exception? failure)
    {
        while (failure is not (null or InvalidTextException))
            failure = failure.InnerException;
        return failure?.Message;
    }

    /// <summary>
    /// Parses a call again without its last parameters, one more each time, and appends their defaults; null when none fits.
    /// </summary>
    private HubMessage? ParseWithDefaults(ReadOnlySequence<byte> start, IInvocationBinder binder, object?[] defaults)
    {
        for (int omitted = 1; omitted <= defaults.Length; omitted++)
        {
            ReadOnlySequence<byte> input = start;
            inner.TryParseMessage(ref input, new ShorterBinder(binder, omitted), out HubMessage? message);
            if (message is StreamInvocationMessage stream)
                return new StreamInvocationMessage(stream.InvocationId!, stream.Target, Complete(stream), stream.StreamIds)
                {
                    Headers = stream.Headers,
                };
            if (message is InvocationMessage call)
                return new InvocationMessage(call.InvocationId, call.Target, Complete(call), call.StreamIds) { Headers = call.Headers };

            object?[] Complete(HubMethodInvocationMessage shorter) => [.. shorter.Arguments, .. defaults[^omitted..]];
        }
        return null;
    }

    private static HubMessage WithPlainError(HubMessage message)
    {
        if (message is not CompletionMessage { Error: { } error } completion)
            return message;
        int sentence = error.IndexOf(Prefix, StringComparison.Ordinal);
        string plain =
            sentence >= 0 ? error[(sentence + Prefix.Length)..]
            : error.StartsWith("Failed to invoke '", StringComparison.Ordinal)
                ? "The method does not take these arguments: see the hub's contract for their names and types."
            : error;
        return new CompletionMessage(completion.InvocationId!, plain, result: null, hasResult: false) { Headers = completion.Headers };
    }

    /// <summary>Binds a method without its last parameters.</summary>
    private sealed class ShorterBinder(IInvocationBinder binder, int omitted) : IInvocationBinder
    {
        public IReadOnlyList<Type> GetParameterTypes(string methodName) => [.. binder.GetParameterTypes(methodName).SkipLast(omitted)];

        public Type GetReturnType(string invocationId) => binder.GetReturnType(invocationId);

        public Type GetStreamItemType(string streamId) => binder.GetStreamItemType(streamId);
    }
}
