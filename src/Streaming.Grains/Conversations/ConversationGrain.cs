using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Grains.Maintenance;
using Streaming.Grains.Persistence;
using Streaming.Inference.Caching;
using Streaming.Storage.Log;

namespace Streaming.Grains.Conversations;

/// <summary>
/// One endless dialogue. It owns its definition, the ids of its sinks and window, and the running reply; its worker owns the tensors.
/// Everything is appended to the log before it is shown.
/// </summary>
[GrainType("conversation")]
internal sealed partial class ConversationGrain(
    [PersistentState("conversation")] IPersistentState<ConversationState> state,
    ConversationServices services,
    ILogger<ConversationGrain> logger
) : Grain, IConversationGrain, IConversationMaintenanceGrain, IGrainMigrationParticipant
{
    private const int DerivedTitleLength = 60;

    /// <summary>How long a deactivation waits for the reply to store its tokens.</summary>
    private static readonly TimeSpan DeactivationTimeout = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _deactivating = new();
    private readonly SharedReads<long, EventPage> _pages = new();
    private ObserverList _observers = null!;
    private ConversationWriter? _writer;
    private ReplyRunner? _runner;
    private Task _replies = Task.CompletedTask;
    private bool _resumes;
    private bool _obstacleLogged;
    private ConversationEvent? _paused;

    private string Id => this.GetPrimaryKeyString();

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _observers ??= new ObserverList(Id, services.Time);
        if (!state.RecordExists || await services.Log.ReadHeadAsync(Id, cancellationToken) is not { HiddenAt: null } head)
            return;
        Attach(head);
        if (!_isMigrated)
            return;
        if (_migratedWindow is { } window)
            _writer!.Adopt(window, Layout());
        _resumes = false; // It ended between two steps, so this is no resumption after a crash.
        StartReplies();
    }

    /// <inheritdoc/>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _deactivating.CancelAsync();
        try
        {
            await _replies.WaitAsync(DeactivationTimeout, services.Time, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            LogReplyNotEnded(Id, e);
        }
        if (reason.ReasonCode == DeactivationReasonCode.ShuttingDown && !_observers.IsEmpty)
            MigrateToSuccessor();
    }

    /// <inheritdoc/>
    public async Task<Conversation> Create(string caller, NewConversation request)
    {
        if (state.RecordExists || !ConversationId.IsValid(Id))
            throw new RequestRefusedException(Refusal.Conflict, "A conversation with this id exists already: take a new id.");
        ConversationState created = ConversationCreation.Plan(caller, request, services.Model, services.Time.GetUtcNow());
        state.State = created;
        await state.WriteStateAsync();
        try
        {
            await services.Log.CreateAsync(new NewLog(Id, caller, created.Title, created.CreatedAt));
        }
        catch (LogException e)
        {
            LogNotCreated(Id, e);
            await state.ClearStateAsync();
            throw Unavailable();
        }
        Attach((await services.Log.ReadHeadAsync(Id))!);
        return Describe(_writer!);
    }

    /// <inheritdoc/>
    public Task<Conversation> Get(string caller) => Task.FromResult(Describe(Require(caller)));

    /// <inheritdoc/>
    public async Task Configure(string caller, ConversationChanges changes)
    {
        Require(caller);
        state.RequireWritable();
        RequestRules.Title(changes.Title);
        if (state.State.Fingerprint == services.Model.Fingerprint)
            changes.Sampling?.Checked(services.Model);
        else
            RequestRules.SamplingInRange(changes.Sampling ?? new()); // Its checkpoint is not here to ask.
        state.State.Title = changes.Title ?? state.State.Title;
        state.State.Sampling = changes.Sampling ?? state.State.Sampling;
        await state.WriteStateAsync();
        if (changes.Title is not null)
            await FencedAsync(() => services.Log.RetitleAsync(Id, changes.Title));
    }

    /// <inheritdoc/>
    public async Task Delete(string caller)
    {
        ConversationWriter writer = Require(caller);
        await FencedAsync(() => services.Log.HideAsync(Id, services.Time.GetUtcNow()));
        _observers.Publish(new ConversationEvent { Kind = EventKind.Deleted, At = services.Time.GetUtcNow() });
        _writer = null;
        await _deactivating.CancelAsync();
        if (writer.Session.Worker is { } worker)
            await ReleaseAsync(worker);
        DeactivateOnIdle();
    }

    /// <inheritdoc/>
    public async Task<Sent> Send(string caller, string text, string clientMessageId)
    {
        ConversationWriter writer = Require(caller);
        state.RequireWritable();
        RequestRules.Message(text);
        RequestRules.ClientMessageId(clientMessageId);
        string messageHash = Hash(clientMessageId),
            textHash = Hash(text);
        if (await ReadAsync(() => services.Log.FindMessageAsync(Id, messageHash)) is { } receipt)
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
                    DateTimeOffset now = services.Time.GetUtcNow();
                    long seq = head.LastSeq + 1;
                    int turn = head.LastTurn + 1;
                    return new Draft(session with { Waiting = session.Waiting.Add(seq) })
                    {
                        Events = [LogEvents.At(seq, EventKind.Message, turn, now) with { Author = caller, Text = text }],
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
            throw RequestRefusedException.Invalid(
                $"There is no event {afterSeq} yet, the last one is {writer.Head.LastSeq}: load the conversation again."
            );
        return await _pages.ReadAsync(
            afterSeq,
            () => ReadAsync(() => new History(services.Log, Id).EventsAfterAsync(afterSeq, writer.Head.LastSeq))
        );
    }

    /// <inheritdoc/>
    public async Task<TurnPage> ReadTurns(string caller, long? before, int? take, CancellationToken cancellation = default)
    {
        ConversationWriter writer = Require(caller);
        int items = RequestRules.Take(take);
        long end = writer.Head.LastSeq + 1;
        long below = Math.Min(RequestRules.Before(before) ?? end, end);
        return await ReadAsync(() => new History(services.Log, Id).TurnsBeforeAsync(below, items, cancellation));
    }

    /// <inheritdoc/>
    public async Task<CacheView> InspectCache(string caller)
    {
        ConversationWriter writer = Require(caller);
        TokenWindow window = await ReadAsync(() => writer.LoadWindowAsync(Layout()));
        return new CacheView(window.Position, writer.Head.Branch, window.FixedIds(), window.WindowIds());
    }

    /// <inheritdoc/>
    public Task<long> Subscribe(string gatewayId, IConversationObserver observer)
    {
        if (_writer is not { } writer)
            throw RequestRefusedException.NoSuchConversation();
        bool isAvailable = writer.HasAppended || !writer.Session.IsRunning;
        _observers.Renew(gatewayId, observer, _paused ?? _runner?.Transient, isAvailable);
        StartReplies(); // A reply that lost its process is resumed at once when a gateway watches.
        return Task.FromResult(writer.Head.LastSeq);
    }

    /// <inheritdoc/>
    public Task Unsubscribe(string gatewayId)
    {
        _observers.Remove(gatewayId);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task Resume() => CatchUpAsync(); // The log says that a reply runs.

    /// <inheritdoc/>
    public async Task Erase()
    {
        await services.Snapshots.EraseAsync(Id);
        await services.Log.EraseAsync(Id);
        await state.ClearStateAsync();
        DeactivateOnIdle();
    }

    private void Attach(LogHead head)
    {
        _writer = new ConversationWriter(services.Log, head, services.Time, PublishStoreState);
        void KeepAlive() => DelayDeactivation(TimeSpan.FromMinutes(2));
        _runner = new ReplyRunner(new(Id, state.State, _writer, _observers, KeepAlive), services, logger);
        _resumes = head.Running;
    }

    /// <summary>
    /// Answers messages in the log that this activation does not know of. A frozen silo that was declared dead may wake and store a
    /// message before it notices: under its old epoch, if no later one was taken, and after this activation has read the head.
    /// </summary>
    private async Task CatchUpAsync()
    {
        if (
            _writer is { Session.IsRunning: false } writer
            && await ReadAsync(() => services.Log.ReadHeadAsync(Id)) is { HiddenAt: null } head
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
        if (state.State.Fingerprint != services.Model.Fingerprint)
        {
            throw new RequestRefusedException(
                Refusal.Conflict,
                $"This conversation was held with the checkpoint '{state.State.Model}', this host runs another one "
                    + $"('{services.Model.Name}'): start the host with the first, or create a new conversation."
            );
        }
    }

    private void StartReplies()
    {
        if (_writer is not { Session.IsRunning: true } || !_replies.IsCompleted || _deactivating.IsCancellationRequested)
            return;
        if (services.Replies.IsShuttingDown)
        {
            MigrateToSuccessor();
            return;
        }
        if (!CanReply())
            return;
        _replies = services.Replies.Track(RunRepliesAsync(_resumes), _deactivating);
        _resumes = false;
    }

    /// <summary>Whether this silo has the conversation's checkpoint and may write its data; logs once why not.</summary>
    private bool CanReply()
    {
        int required = Math.Max(state.State.RequiredVersion, _writer!.Head.RequiredVersion);
        bool hasCheckpoint = state.State.Fingerprint == services.Model.Fingerprint;
        if (hasCheckpoint && required <= StoreVersion.Current)
            return true;
        if (!_obstacleLogged && hasCheckpoint)
            LogNewerVersion(Id, required, StoreVersion.Current);
        else if (!_obstacleLogged)
            LogOtherCheckpoint(Id, state.State.Model, services.Model.Name);
        _obstacleLogged = true;
        return false;
    }

    private async Task RunRepliesAsync(bool resumes)
    {
        try
        {
            await _runner!.RunAsync(resumes, _deactivating.Token);
        }
        catch (Exception) when (_deactivating.IsCancellationRequested)
        {
            // The log says what runs; the next activation resumes it.
        }
        catch (Exception e)
        {
            LogEnded(Id, e);
            DeactivateOnIdle();
        }
        if (services.Replies.IsShuttingDown)
            MigrateToSuccessor();
    }

    /// <inheritdoc cref="FencedAsync{T}"/>
    private Task<bool> FencedAsync(Func<Task> operation) =>
        FencedAsync(async () =>
        {
            await operation();
            return true;
        });

    /// <summary>Calls the store; if it does not answer, or another activation writes, this activation ends.</summary>
    /// <exception cref="RequestRefusedException">The store does not answer, or what it holds needs a newer version.</exception>
    private async Task<T> FencedAsync<T>(Func<Task<T>> operation)
    {
        try
        {
            return await operation();
        }
        catch (LogVersionException e)
        {
            throw VersionedState.Refused(e.Required); // The activation goes on reading.
        }
        catch (LogException e)
        {
            LogEnded(Id, e);
            DeactivateOnIdle();
            throw Unavailable();
        }
    }

    /// <summary>
    /// Reads the store. If it does not answer, the caller is told so; the activation and its reply continue, since only an append shows
    /// whether another activation writes.
    /// </summary>
    private Task<T> ReadAsync<T>(Func<Task<T>> read) =>
        FencedAsync(async () =>
        {
            try
            {
                return await read();
            }
            catch (LogUnavailableException e)
            {
                LogNotRead(Id, e);
                throw Unavailable();
            }
        });

    private async Task TakeTitleFromAsync(string text)
    {
        string line = string.Concat(text.Trim().ReplaceLineEndings(" ").Where(c => !char.IsControl(c)));
        int length = Math.Min(line.Length, DerivedTitleLength);
        if (length < line.Length && char.IsHighSurrogate(line[length - 1]))
            length--;
        state.State.Title = length < line.Length ? line[..length] + "…" : line;
        await state.WriteStateAsync();
        await FencedAsync(() => services.Log.RetitleAsync(Id, state.State.Title));
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
