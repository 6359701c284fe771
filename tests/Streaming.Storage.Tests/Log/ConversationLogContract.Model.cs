using CsCheck;
using Streaming.Storage.Log;

namespace Streaming.Storage.Tests.Log;

/// <summary>Random operations give the same answers as a plain model.</summary>
public abstract partial class ConversationLogContract
{
    private static int s_conversations;

    /// <summary>The number of random sequences of operations.</summary>
    protected virtual int RandomSequences => 150;

    /// <summary>An operation, and random numbers from which it derives its arguments.</summary>
    private readonly record struct Step(Operation Do, int A, int B, string Text);

    private enum Operation
    {
        Create,
        Open,
        Message,
        Group,
        Ids,
        Cut,
        HeadOnly,
        Repeat,
        Stale,
        ReadEvents,
        ReadIds,
        FindMessage,
        ReadHead,
        ListOwned,
        ListRunning,
        Retitle,
        Hide,
        Erase,
    }

    private static readonly Gen<Step[]> s_steps = Gen.Select(
        Gen.Frequency(
            (1, Gen.OneOf(Operation.Create, Operation.Retitle, Operation.Hide, Operation.Erase)),
            (
                2,
                Gen.OneOf(
                    Operation.Open,
                    Operation.Repeat,
                    Operation.Stale,
                    Operation.FindMessage,
                    Operation.ReadHead,
                    Operation.ListOwned,
                    Operation.ListRunning
                )
            ),
            (6, Gen.OneOf(Operation.Message, Operation.Group, Operation.Ids, Operation.Cut, Operation.HeadOnly)),
            (4, Gen.OneOf(Operation.ReadEvents, Operation.ReadIds))
        ),
        Gen.Int[0, 40],
        Gen.Int[0, 40],
        Gen.String[Gen.OneOf('a', 'é', '世', '\0', '\n'), 0, 6],
        (operation, a, b, text) => new Step(operation, a, b, text)
    ).Array[1, 40];

    [Fact]
    public Task Random_operations_give_the_answers_of_a_plain_model() =>
        s_steps.SampleAsync(
            async steps =>
            {
                string id = $"conversation-{Interlocked.Increment(ref s_conversations)}";
                string owner = $"owner of {id}";
                var model = new LogModel(id);
                var player = new Player(Log, id, owner);
                Assert.Equal(model.Create(owner, TestWriter.Start), await player.CreateAsync(TestWriter.Start));
                await player.OpenAsync(model, "w0");
                for (int i = 0; i < steps.Length; i++)
                {
                    (object? expected, object? actual) = await player.PlayAsync(model, steps[i], i);
                    Assert.Equal(expected, actual);
                }
            },
            iter: RandomSequences,
            threads: 1,
            print: steps => string.Join("; ", steps)
        );

    /// <summary>Runs steps on a log and on the model.</summary>
    private sealed class Player(IConversationLog log, string id, string owner)
    {
        private readonly Dictionary<string, LogHead> _writers = [];
        private LogAppend? _last;

        public Task<object> CreateAsync(DateTimeOffset at) =>
            Answer(async () =>
            {
                await log.CreateAsync(new NewLog(id, owner, null, at), Token);
                return "done";
            });

        public async Task<(object Expected, object Actual)> OpenAsync(LogModel model, string writer)
        {
            object expected = model.Open(writer);
            object actual = await Answer(async () => _writers[writer] = await log.OpenForWritingAsync(id, writer, Token));
            return (expected, actual);
        }

        public async Task<(object Expected, object Actual)> PlayAsync(LogModel model, Step step, int number)
        {
            DateTimeOffset at = TestWriter.Start.AddSeconds(number + 1);
            string writer = $"w{step.A % 3}";
            switch (step.Do)
            {
                case Operation.Create:
                    return (model.Create(owner, at), await CreateAsync(at));
                case Operation.Open:
                    return await OpenAsync(model, writer);
                case Operation.Message or Operation.Group or Operation.Ids or Operation.Cut or Operation.HeadOnly or Operation.Stale:
                    // Mostly the newest writer, sometimes a fenced one.
                    LogHead head =
                        step.B % 5 == 0 && _writers.TryGetValue(writer, out LogHead? known) ? known : _writers.Values.MaxBy(h => h.Epoch)!;
                    return await AppendAsync(model, MakeAppend(new TestWriter(log, head), step, at));
                case Operation.Repeat:
                    return _last is null ? ("none", "none") : await AppendAsync(model, _last);
                case Operation.ReadEvents:
                    (int rows, int bytes) = (1 + (step.A % 7), step.B % 3 == 0 ? int.MaxValue : step.B);
                    return (
                        model.ReadEvents(step.A, step.A + step.B, rows, bytes),
                        await Answer(async () =>
                            LogModel.Describe(await log.ReadEventsAsync(id, step.A, step.A + step.B, rows, bytes, Token))
                        )
                    );
                case Operation.ReadIds:
                    int branch = step.A % 5;
                    return (
                        model.ReadIds(branch, step.B, step.B + step.A),
                        await Answer(async () => string.Join(' ', await log.ReadIdsAsync(id, branch, step.B, step.B + step.A, Token)))
                    );
                case Operation.FindMessage:
                    return (
                        model.FindMessage($"hash {step.A}"),
                        await Answer(async () => await log.FindMessageAsync(id, $"hash {step.A}", Token) ?? (object)"none")
                    );
                case Operation.ReadHead:
                    return (model.Head ?? (object)"none", await Answer(async () => await log.ReadHeadAsync(id, Token) ?? (object)"none"));
                case Operation.ListOwned:
                    return (
                        model.ListOwned(),
                        await Answer(async () =>
                            string.Join(
                                '\n',
                                (await log.ListOwnedAsync(owner, null, 10, Token)).Items.Select(e =>
                                    $"{e.Id} {e.Title} {e.CreatedAt:O} {e.ActiveAt:O}"
                                )
                            )
                        )
                    );
                case Operation.ListRunning:
                    return (
                        model.ListRunning(),
                        await Answer(async () =>
                            string.Join('\n', (await log.ListRunningAsync(null, 100_000, Token)).Where(one => one == id))
                        )
                    );
                case Operation.Retitle:
                    return (
                        model.Retitle(step.Text),
                        await Answer(async () =>
                        {
                            await log.RetitleAsync(id, step.Text, Token);
                            return "done";
                        })
                    );
                case Operation.Hide:
                    return (
                        model.Hide(at),
                        await Answer(async () =>
                        {
                            await log.HideAsync(id, at, Token);
                            return "done";
                        })
                    );
                case Operation.Erase:
                    return (
                        model.Erase(),
                        await Answer(async () =>
                        {
                            await log.EraseAsync(id, Token);
                            return "done";
                        })
                    );
                default:
                    throw new InvalidOperationException($"No such operation: {step.Do}.");
            }
        }

        private static LogAppend MakeAppend(TestWriter writer, Step step, DateTimeOffset at) =>
            step.Do switch
            {
                Operation.Message => writer.Message(step.Text, hash: step.B % 2 == 0 ? $"hash {step.A}" : null, at),
                Operation.Group => writer.Group([step.Text, "", step.Text]),
                Operation.Ids => writer.Next() with { Ids = TestWriter.Ids(step.B, step.A), State = step.Text },
                Operation.Cut => writer.Cut(step.B % 4 == 0 ? step.A : step.A * writer.Head.Position / 40, ids: step.B % 6),
                Operation.HeadOnly => writer.Next() with
                {
                    Running = step.A % 2 == 0,
                    State = step.Text,
                    LastTurn = Math.Max(0, writer.Head.LastTurn + (step.B % 3) - 1),
                },
                _ => writer.Next() with { ExpectedPosition = writer.Head.Position + step.A + 1 },
            };

        private async Task<(object Expected, object Actual)> AppendAsync(LogModel model, LogAppend append)
        {
            _last = append;
            object expected = model.Append(append);
            object actual = await Answer(() => log.AppendAsync(id, append, Token));
            if (actual is LogHead head)
                _writers[head.Writer] = head;
            return (expected, actual);
        }

        /// <summary>The answer, or the name of the exception.</summary>
        private static async Task<object> Answer<T>(Func<Task<T>> ask)
            where T : notnull
        {
            try
            {
                return await ask();
            }
            catch (Exception error) when (error is LogException or ArgumentException or InvalidOperationException)
            {
                return error.GetType().Name;
            }
        }
    }
}
