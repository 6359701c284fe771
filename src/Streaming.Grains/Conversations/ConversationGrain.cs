using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Grains.Upkeep;
using Streaming.Grains.Workers;
using Streaming.Inference.Caching;
using Streaming.Storage.Log;
using Streaming.Storage.Snapshots;

namespace Streaming.Grains.Conversations;

/// <summary>
/// One endless dialogue. It owns what defines it, its sinks and window as ids, and the running reply; the tensors are its
/// worker's. Everything is appended to the log before it is shown.
/// </summary>
[GrainType("conversation")]
internal sealed partial class ConversationGrain(
    [PersistentState("conversation")] IPersistentState<ConversationState> state,
    IConversationLog log,
    ISnapshotStore snapshots,
    ConversationModel model,
    WorkerChoice workers,
    RunningReplies running,
    IOptions<ConversationOptions> options,
    TimeProvider time,
    ILogger<ConversationGrain> logger
) : Grain, IConversationGrain, IConversationUpkeepGrain, IGrainMigrationParticipant
{
    private const int DefaultTake = 50;
    private const int MaxTake = 200;
    private const int DerivedTitleLength = 60;

    /// <summary>How long a leaving activation waits for its reply to store what it has.</summary>
    private static readonly TimeSpan LeavingLimit = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _leaving = new();
    private ObserverList _observers = null!;
    private ConversationWriter? _writer;
    private ReplyRunner? _runner;
    private Task _replies = Task.CompletedTask;
    private bool _takenUp;
    private bool _toldCheckpoint;
    private ConversationEvent? _paused;

    private string Id => this.GetPrimaryKeyString();

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _observers ??= new ObserverList(Id, time);
        if (!state.RecordExists || await log.ReadHeadAsync(Id, cancellationToken) is not { HiddenAt: null } head)
            return;
        Attach(head);
        if (!_handedOver)
            return;
        if (_handedWindow is { } window)
            _writer!.Adopt(window, Layout());
        _takenUp = false; // It ended between two steps: nothing was lost, and nothing need be guarded against.
        StartReplies();
    }

    /// <inheritdoc/>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _leaving.CancelAsync();
        try
        {
            await _replies.WaitAsync(LeavingLimit, time, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            LogLeftBehind(Id, e);
        }
        if (reason.ReasonCode == DeactivationReasonCode.ShuttingDown && !_observers.IsEmpty)
            HandOver();
    }

    /// <inheritdoc/>
    public async Task<Conversation> Create(string caller, NewConversation request)
    {
        if (state.RecordExists || !ConversationId.IsValid(Id))
            throw new RequestRefusedException(Refusal.Conflict, "A conversation with this id exists already: take a new id.");
        ConversationState created = ConversationBirth.Plan(caller, request, model, time.GetUtcNow());
        state.State = created;
        await state.WriteStateAsync();
        try
        {
            await log.CreateAsync(new NewLog(Id, caller, created.Title, created.CreatedAt));
        }
        catch (LogException e)
        {
            LogNotCreated(Id, e);
            await state.ClearStateAsync();
            throw Unavailable();
        }
        Attach((await log.ReadHeadAsync(Id))!);
        return Describe(_writer!);
    }

    /// <inheritdoc/>
    public Task<Conversation> Get(string caller) => Task.FromResult(Describe(Require(caller)));

    /// <inheritdoc/>
    public async Task Configure(string caller, ConversationChanges changes)
    {
        Require(caller);
        if (changes.Title is { } title)
            Validation.RequireTitle(title);
        if (changes.Sampling is { } sampling)
            Validation.RequireSampling(sampling);
        state.State.Title = changes.Title ?? state.State.Title;
        state.State.Sampling = changes.Sampling ?? state.State.Sampling;
        await state.WriteStateAsync();
        if (changes.Title is not null)
            await log.RetitleAsync(Id, changes.Title);
    }

    /// <inheritdoc/>
    public async Task Delete(string caller)
    {
        ConversationWriter writer = Require(caller);
        await log.HideAsync(Id, time.GetUtcNow());
        _observers.Publish(new ConversationEvent { Kind = EventKind.Deleted, At = time.GetUtcNow() });
        _writer = null;
        await _leaving.CancelAsync();
        if (writer.Session.Worker is { } worker)
            await ReleaseAsync(worker);
        DeactivateOnIdle();
    }

    /// <inheritdoc/>
    public async Task<Sent> Send(string caller, string text, string clientMessageId)
    {
        ConversationWriter writer = Require(caller);
        Validation.RequireMessage(text, clientMessageId);
        string messageHash = Hash(clientMessageId),
            textHash = Hash(text);
        if (await FencedAsync(() => log.FindMessageAsync(Id, messageHash)) is { } receipt)
        {
            if (receipt.TextHash != textHash)
                throw new RequestRefusedException(
                    Refusal.Conflict,
                    "This clientMessageId was sent before with another text: make a new one for each message."
                );
            if (receipt.Seq > writer.Head.LastSeq)
                await CatchUpAsync();
            return new Sent(receipt.Turn, receipt.Seq);
        }
        RequireSameCheckpoint();
        if (writer.Session.Waiting.Length >= Limits.WaitingMessages)
            throw new RequestRefusedException(
                Refusal.Unavailable,
                $"{Limits.WaitingMessages} messages are waiting already: wait for the reply."
            );

        IReadOnlyList<LogEvent> stored = await FencedAsync(() =>
            writer.AppendAsync(
                (head, session) =>
                {
                    DateTimeOffset now = time.GetUtcNow();
                    long seq = head.LastSeq + 1;
                    int turn = head.LastTurn + 1;
                    return new Draft(session with { Waiting = session.Waiting.Add(seq) })
                    {
                        Events =
                        [
                            new LogEvent
                            {
                                First = seq,
                                Last = seq,
                                Kind = EventKind.Message,
                                Turn = turn,
                                Author = caller,
                                Text = text,
                                At = now,
                            },
                        ],
                        LastTurn = turn,
                        ActiveAt = now,
                        Receipt = new MessageReceipt(messageHash, textHash, turn, seq),
                    };
                }
            )
        );
        _observers.Publish(stored.ToEvents(0));
        if (writer.Session.Reply is { IsEndless: true } endless)
            await _runner!.StopAsync(endless.Turn, FinishReason.Interrupted);
        StartReplies();
        if (state.State.Title is null)
            await TakeTitleFromAsync(text);
        return new Sent(stored[0].Turn, stored[0].First);
    }

    /// <inheritdoc/>
    public Task Stop(string caller, int? turn)
    {
        Require(caller);
        return _runner!.StopAsync(turn, FinishReason.Stopped);
    }

    /// <inheritdoc/>
    public async Task<EventPage> ReadEvents(string caller, long afterSeq)
    {
        ConversationWriter writer = Require(caller);
        if (afterSeq < 0 || afterSeq > writer.Head.LastSeq)
            throw Validation.Invalid(
                $"There is no event {afterSeq} yet, the last one is {writer.Head.LastSeq}: load the conversation again."
            );
        return await FencedAsync(() => new History(log, Id).EventsAfterAsync(afterSeq, writer.Head.LastSeq));
    }

    /// <inheritdoc/>
    public async Task<TurnPage> ReadTurns(string caller, long? before, int? take)
    {
        ConversationWriter writer = Require(caller);
        if (take is < 1 or > MaxTake)
            throw Validation.Invalid($"take is {take}; it must be 1 to {MaxTake}.");
        if (before is < 1)
            throw Validation.Invalid($"before is {before}; it must be 1 or more: pass a page's next.");
        long end = writer.Head.LastSeq + 1;
        return await FencedAsync(() => new History(log, Id).TurnsBeforeAsync(Math.Min(before ?? end, end), take ?? DefaultTake));
    }

    /// <inheritdoc/>
    public async Task<CacheView> InspectCache(string caller)
    {
        ConversationWriter writer = Require(caller);
        TokenWindow window = await FencedAsync(() => writer.LoadWindowAsync(Layout()));
        return new CacheView(window.Position, writer.Head.Branch, window.FixedIds(), window.WindowIds());
    }

    /// <inheritdoc/>
    public Task<long> Subscribe(string gatewayId, IConversationObserver observer)
    {
        if (_writer is not { } writer)
            throw RequestRefusedException.NoSuchConversation();
        _observers.Renew(gatewayId, observer, _paused ?? _runner?.Passing);
        StartReplies(); // A reply that lost its process goes on at once when somebody watches.
        return Task.FromResult(writer.Head.LastSeq);
    }

    /// <inheritdoc/>
    public Task Unsubscribe(string gatewayId)
    {
        _observers.Remove(gatewayId);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task Resume() => CatchUpAsync(); // The log says that something runs.

    /// <inheritdoc/>
    public async Task Erase()
    {
        await snapshots.EraseAsync(Id);
        await log.EraseAsync(Id);
        await state.ClearStateAsync();
        DeactivateOnIdle();
    }

    private void Attach(LogHead head)
    {
        _writer = new ConversationWriter(log, head, time, TellOfStore);
        _runner = new ReplyRunner(
            Id,
            state.State,
            model,
            _writer,
            log,
            _observers,
            workers,
            running,
            GrainFactory,
            options.Value,
            () => DelayDeactivation(TimeSpan.FromMinutes(2)),
            time,
            logger
        );
        _takenUp = head.Running;
    }

    /// <summary>
    /// Does what the log has and this activation may not know of. A silo that was taken for dead may wake and store a message before
    /// it learns that: under its old epoch, where no later one has been taken since, and after this activation has read the head.
    /// </summary>
    private async Task CatchUpAsync()
    {
        if (
            _writer is { Session.IsRunning: false } writer
            && await FencedAsync(() => log.ReadHeadAsync(Id)) is { HiddenAt: null } head
            && head.LastSeq > writer.Head.LastSeq
            && _writer == writer
            && _replies.IsCompleted
        )
        {
            Attach(head);
        }
        StartReplies();
    }

    private CacheLayout Layout() => new(state.State.Fixed, state.State.Window);

    private ConversationWriter Require(string caller) =>
        _writer is { } writer && state.State.IsMember(caller) ? writer : throw RequestRefusedException.NoSuchConversation();

    private void RequireSameCheckpoint()
    {
        if (state.State.Fingerprint != model.Fingerprint)
        {
            throw new RequestRefusedException(
                Refusal.Conflict,
                $"This conversation was held with the checkpoint '{state.State.Model}', this host runs another one ('{model.Name}'): start the host with the former, or create a new conversation."
            );
        }
    }

    private void StartReplies()
    {
        if (_writer is not { Session.IsRunning: true } || !_replies.IsCompleted || _leaving.IsCancellationRequested)
            return;
        if (running.IsLeaving)
        {
            HandOver();
            return;
        }
        if (state.State.Fingerprint != model.Fingerprint)
        {
            if (!_toldCheckpoint)
                LogOtherCheckpoint(Id, state.State.Model, model.Name);
            _toldCheckpoint = true;
            return;
        }
        _replies = running.Track(RunRepliesAsync(_takenUp), _leaving);
        _takenUp = false;
    }

    private async Task RunRepliesAsync(bool takenUp)
    {
        try
        {
            await _runner!.RunAsync(takenUp, _leaving.Token);
        }
        catch (Exception) when (_leaving.IsCancellationRequested)
        {
            // The log says what is running; whoever comes next takes it up.
        }
        catch (Exception e)
        {
            LogEnded(Id, e);
            DeactivateOnIdle();
        }
        if (running.IsLeaving)
            HandOver();
    }

    /// <summary>An answer of the store; when it gives none, or another activation writes, this activation ends.</summary>
    private async Task<T> FencedAsync<T>(Func<Task<T>> operation)
    {
        try
        {
            return await operation();
        }
        catch (LogException e)
        {
            LogEnded(Id, e);
            DeactivateOnIdle();
            throw Unavailable();
        }
    }

    private async Task TakeTitleFromAsync(string text)
    {
        string line = string.Concat(text.Trim().ReplaceLineEndings(" ").Where(c => !char.IsControl(c)));
        int length = Math.Min(line.Length, DerivedTitleLength);
        if (length < line.Length && char.IsHighSurrogate(line[length - 1]))
            length--;
        state.State.Title = length < line.Length ? line[..length] + "…" : line;
        await state.WriteStateAsync();
        await log.RetitleAsync(Id, state.State.Title);
    }

    private Conversation Describe(ConversationWriter writer) =>
        new()
        {
            Id = Id,
            Title = state.State.Title,
            Model = state.State.Model,
            CreatedAt = state.State.CreatedAt,
            ActiveAt = writer.Head.ActiveAt,
            LastSeq = writer.Head.LastSeq,
            Running = ReplyRunner.RunningTurn(writer.Head, writer.Session),
            Position = writer.Head.Position,
            Branch = writer.Head.Branch,
            Sinks = state.State.Sinks,
            Window = state.State.Window,
            Fixed = state.State.Fixed,
            Forgotten = Layout().Forgotten(writer.Head.Position),
            Sampling = state.State.Sampling,
        };

    private static RequestRefusedException Unavailable() =>
        new(Refusal.Unavailable, "The conversation's store does not answer at the moment: try again in a few seconds.");

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
