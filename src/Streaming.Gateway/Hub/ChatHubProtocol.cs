using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;

namespace Streaming.Gateway.Hub;

/// <summary>
/// A hub protocol (JSON or MessagePack) with two manners that SignalR lacks: arguments at the end that a method does not need
/// may be left out, and an error is the sentence itself, without SignalR's words before it.
/// </summary>
internal sealed class ChatHubProtocol(IHubProtocol inner) : IHubProtocol
{
    private const string BeforeSentence = "HubException: ";

    /// <summary>By method: the values of its parameters that may be left out.</summary>
    private static readonly Dictionary<string, object?[]> Optional = typeof(ChatHub)
        .GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        .ToDictionary(method => method.Name, DefaultsOf, StringComparer.OrdinalIgnoreCase);

    /// <inheritdoc />
    public string Name => inner.Name;

    /// <inheritdoc />
    public int Version => inner.Version;

    /// <inheritdoc />
    public Microsoft.AspNetCore.Connections.TransferFormat TransferFormat => inner.TransferFormat;

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
        if (message is InvocationBindingFailureMessage failure && Optional.TryGetValue(failure.Target, out object?[]? defaults))
        {
            for (int left = 1; left <= defaults.Length; left++)
            {
                ReadOnlySequence<byte> again = start;
                if (
                    inner.TryParseMessage(ref again, new ShorterBinder(binder, left), out HubMessage? shorter)
                    && shorter is InvocationMessage or StreamInvocationMessage
                )
                {
                    message = Completed((HubMethodInvocationMessage)shorter, defaults[^left..]);
                    break;
                }
            }
        }
        return true;
    }

    private static HubMethodInvocationMessage Completed(HubMethodInvocationMessage call, object?[] rest)
    {
        object?[] arguments = [.. call.Arguments, .. rest];
        return call is StreamInvocationMessage
            ? new StreamInvocationMessage(call.InvocationId!, call.Target, arguments, call.StreamIds) { Headers = call.Headers }
            : new InvocationMessage(call.InvocationId, call.Target, arguments, call.StreamIds) { Headers = call.Headers };
    }

    private static HubMessage WithPlainError(HubMessage message)
    {
        if (message is not CompletionMessage { Error: { } error } completion)
            return message;
        int sentence = error.IndexOf(BeforeSentence, StringComparison.Ordinal);
        string plain =
            sentence >= 0 ? error[(sentence + BeforeSentence.Length)..]
            : error.StartsWith("Failed to invoke '", StringComparison.Ordinal)
                ? "The method does not take such arguments: see the hub's contract for their names and types."
            : error;
        return new CompletionMessage(completion.InvocationId!, plain, result: null, hasResult: false) { Headers = completion.Headers };
    }

    private static object?[] DefaultsOf(MethodInfo method)
    {
        ParameterInfo[] parameters = [.. method.GetParameters().Where(parameter => parameter.ParameterType != typeof(CancellationToken))];
        object?[] defaults = [.. parameters.SkipWhile(parameter => !parameter.HasDefaultValue).Select(parameter => parameter.DefaultValue)];
        return defaults;
    }

    /// <summary>A method without its last parameters.</summary>
    private sealed class ShorterBinder(IInvocationBinder whole, int less) : IInvocationBinder
    {
        public IReadOnlyList<Type> GetParameterTypes(string methodName) => [.. whole.GetParameterTypes(methodName).SkipLast(less)];

        public Type GetReturnType(string invocationId) => whole.GetReturnType(invocationId);

        public Type GetStreamItemType(string streamId) => whole.GetStreamItemType(streamId);
    }
}
