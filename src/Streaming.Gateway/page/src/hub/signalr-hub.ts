import { type HubConnection, HubConnectionBuilder, HubConnectionState, LogLevel } from "@microsoft/signalr";
import {
  type Conversation,
  type ConversationChanges,
  type ConversationPage,
  isTemporary,
  type NewConversation,
  type Sent,
  type TurnPage,
} from "../contract.ts";
import { backoff } from "./backoff.ts";
import {
  type ChatHub,
  type ConnectionState,
  DisconnectedError,
  RefusedError,
  type Watching,
  type WatchObserver,
} from "./chat-hub.ts";

/** A call without an answer counts as lost after this time. Milliseconds. */
const callTimeout = 30_000;

/** Failed attempts before the page shows that it is offline. */
const attemptsUntilOffline = 4;

/**
 * The hub at `/hubs/chat`. Before each attempt to connect it signs in as a guest (a valid cookie keeps its identity), because a
 * server that comes back may no longer accept the cookie. That is why it does not use the library's automatic reconnect.
 */
export class SignalRHub implements ChatHub {
  readonly #connection: HubConnection;
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  #state: ConnectionState = "connecting";
  #refusal: string | undefined;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #connecting = false;

  constructor(url = "/hubs/chat") {
    this.#connection = new HubConnectionBuilder().withUrl(url).configureLogging(LogLevel.None).build();
    this.#connection.serverTimeoutInMilliseconds = 30_000;
    this.#connection.keepAliveIntervalInMilliseconds = 10_000;
    this.#connection.onclose(() => this.#lost());
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get refusal(): string | undefined {
    return this.#refusal;
  }

  onState(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.retryNow();
    });
    void this.#connect();
  }

  retryNow(): void {
    if (this.#state === "live" || this.#connecting) return;
    clearTimeout(this.#timer);
    void this.#connect();
  }

  createConversation = (request: NewConversation) => this.#call<Conversation>("CreateConversation", request);
  getConversation = (id: string) => this.#call<Conversation>("GetConversation", id);
  listConversations = (request: { after?: string; take?: number }) =>
    this.#call<ConversationPage>("ListConversations", request);
  configure = (id: string, changes: ConversationChanges) => this.#call<void>("Configure", id, changes);
  delete = (id: string) => this.#call<void>("Delete", id);
  send = (id: string, text: string, clientMessageId: string) => this.#call<Sent>("Send", id, text, clientMessageId);
  stop = (id: string, turn?: number) => this.#call<void>("Stop", id, turn ?? null);
  readTurns = (id: string, request: { before?: number; take?: number }) =>
    this.#call<TurnPage>("ReadTurns", id, request);

  watch(id: string, afterSeq: number, observer: WatchObserver): Watching {
    let over = false;
    const subscription = this.#connection.stream("Watch", id, afterSeq).subscribe({
      next: (event) => {
        if (!over) observer.next(event);
      },
      // The library reports the error before it changes its state, so read the state a moment later.
      error: (error: unknown) =>
        queueMicrotask(() => {
          if (!over) observer.end(this.#explain(error));
        }),
      complete: () => {
        if (!over) observer.end();
      },
    });
    return {
      stop: () => {
        over = true;
        // The stream of a lost connection has ended already, on both sides.
        if (this.#connection.state === HubConnectionState.Connected) subscription.dispose();
      },
    };
  }

  async #connect(): Promise<void> {
    if (this.#connecting) return;
    this.#connecting = true;
    try {
      const answer = await fetch("/auth/guest", { method: "POST", signal: AbortSignal.timeout(callTimeout) });
      if (!answer.ok) throw await refusalOf(answer);
      await this.#connection.start();
      this.#attempt = 0;
      this.#become("live");
    } catch (error) {
      // Whatever the cause, try again and show it.
      this.#later(error instanceof RefusedError ? error.message : undefined);
    } finally {
      this.#connecting = false;
    }
  }

  #lost(): void {
    this.#become("reconnecting");
    this.#later();
  }

  #later(refusal?: string): void {
    this.#attempt++;
    if (refusal !== undefined || !navigator.onLine || this.#attempt > attemptsUntilOffline)
      this.#become("offline", refusal);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#connect(), backoff(this.#attempt - 1));
  }

  #become(state: ConnectionState, refusal?: string): void {
    if (this.#state === state && this.#refusal === refusal) return;
    this.#state = state;
    this.#refusal = refusal;
    for (const listener of [...this.#listeners]) listener(state);
  }

  async #call<T>(method: string, ...args: unknown[]): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new DisconnectedError("The server did not answer in time.")), callTimeout);
    });
    try {
      return await Promise.race([this.#connection.invoke<T>(method, ...args), deadline]);
    } catch (error) {
      throw this.#explain(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #explain(error: unknown): Error {
    if (error instanceof DisconnectedError) return error;
    if (this.#connection.state !== HubConnectionState.Connected)
      return new DisconnectedError("The connection was lost.");
    const sentence = sentenceOf(error);
    return isTemporary(sentence) ? new DisconnectedError(sentence) : new RefusedError(sentence);
  }
}

/** Why signing in failed: the server's sentence, where it refused the guest; a server that is starting refuses nobody. */
export async function refusalOf(answer: Response): Promise<Error> {
  if (answer.status < 500) {
    const body: unknown = await answer.json().catch(() => undefined);
    const sentence = (body as { error?: { message?: unknown } } | undefined)?.error?.message;
    if (typeof sentence === "string") return new RefusedError(sentence);
  }
  return new DisconnectedError(`Signing in answered ${answer.status}.`);
}

/** The server's sentence, without the words that the library puts before it. */
export function sentenceOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const mark = "HubException: ";
  const at = message.indexOf(mark);
  return at < 0 ? message : message.slice(at + mark.length);
}
