import type { ConversationEvent, TurnItem } from "../contract.ts";
import { limits } from "../contract.ts";
import { backoff } from "../hub/backoff.ts";
import { type ChatHub, RefusedError, type Watching } from "../hub/chat-hub.ts";
import { whenLive } from "../hub/when-live.ts";
import { Outbox, type Pending } from "./outbox.ts";
import { ConversationState } from "./state.ts";

/** Turns or pieces per page of history. */
const pageSize = 30;

/** The most pages that are read to find the running reply, which messages may have been queued behind. */
const pagesToRunning = 8;

/** How often the position is refreshed while a reply runs. Milliseconds. */
const describeEvery = 2_000;

export interface SessionStore {
  load(conversationId: string): readonly Pending[];
  save(conversationId: string, pending: readonly Pending[]): void;
}

/**
 * One open conversation: reads its history, watches it through gaps and lost connections, sends messages and stops replies.
 * It owns its watch; nothing arrives after `dispose`.
 */
export class Session {
  readonly state = new ConversationState();
  readonly outbox: Outbox;
  /** Why the conversation cannot be shown: one sentence. */
  problem: string | undefined;
  loadingOlder = false;

  #watching: Watching | undefined;
  #disposed = false;
  #loading = false;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #describing: ReturnType<typeof setTimeout> | undefined;
  readonly #inFlight = new Set<string>();
  readonly #offState: () => void;

  constructor(
    readonly id: string,
    private readonly hub: ChatHub,
    private readonly store: SessionStore,
    /** Called after every change. */
    private readonly changed: () => void,
    /** Called when lists of conversations change: a message was stored, or the conversation was deleted. */
    private readonly onListed: () => void = () => {},
  ) {
    this.outbox = new Outbox(store.load(id));
    this.#offState = hub.onState((state) => {
      if (state === "live") this.#resume();
      else this.#unwatch();
      this.changed();
    });
    if (hub.state === "live") this.#resume();
  }

  dispose(): void {
    this.#disposed = true;
    this.#offState();
    this.#unwatch();
    clearTimeout(this.#describing);
  }

  /** Sends a message; it is kept until the server has confirmed it. */
  send(text: string): void {
    const id = crypto.randomUUID();
    this.outbox.add(id, text);
    this.#outboxChanged();
    void this.#deliver(id);
  }

  get live(): boolean {
    return this.hub.state === "live";
  }

  get canSend(): boolean {
    return !this.state.deleted && this.outbox.all.length < limits.waitingMessages;
  }

  retry(clientMessageId: string): void {
    this.outbox.retry(clientMessageId);
    this.#outboxChanged();
    void this.#deliver(clientMessageId);
  }

  discard(clientMessageId: string): void {
    this.outbox.remove(clientMessageId);
    this.#outboxChanged();
  }

  /** Stops the running reply, if need be once the connection is back. */
  async stop(): Promise<void> {
    const { running } = this.state;
    // Without a turn the call must not be repeated: it could stop the next reply.
    if (running === undefined) await this.hub.stop(this.id);
    else await whenLive(this.hub, () => this.hub.stop(this.id, running));
  }

  /** Reads the page before the oldest loaded turn, if need be once the connection is back; false if there is none. */
  async loadOlder(): Promise<boolean> {
    const before = this.state.older;
    if (before === undefined || this.loadingOlder || this.#disposed) return false;
    this.loadingOlder = true;
    this.changed();
    const generation = this.#generation;
    try {
      const page = await whenLive(this.hub, () => this.hub.readTurns(this.id, { before, take: pageSize }));
      if (this.#disposed || generation !== this.#generation) return false;
      this.state.addOlder(page.items, page.next);
      return true;
    } finally {
      this.loadingOlder = false;
      if (!this.#disposed) this.changed();
    }
  }

  /** Refreshes title, settings and position. */
  async describe(): Promise<void> {
    const info = await this.hub.getConversation(this.id);
    if (this.#disposed) return;
    this.state.describe(info);
    this.changed();
  }

  /** Counts the loads: a page of history that was requested before a load does not fit the state after it. */
  #generation = 0;

  #resume(): void {
    if (this.#disposed || this.state.deleted) return;
    if (this.state.loaded) this.#watch();
    else void this.#load();
    for (const message of this.outbox.all)
      if (message.state === "sending" && message.turn === undefined) void this.#deliver(message.clientMessageId);
  }

  async #load(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    this.#unwatch();
    try {
      const info = await this.hub.getConversation(this.id);
      let page = await this.hub.readTurns(this.id, { take: pageSize });
      let items: TurnItem[] = page.items;
      // Queued messages come after the running reply. Its events will follow, so read on until it is here.
      for (let i = 1; i < pagesToRunning && page.next != null && lacks(items, info.running); i++) {
        page = await this.hub.readTurns(this.id, { before: page.next, take: pageSize });
        items = [...page.items, ...items];
      }
      if (this.#disposed) return;
      this.#generation++;
      this.state.load(info, items, page.next);
      for (const turn of this.state.turns) if (turn.by === "person") this.outbox.arrived(turn.number, `${turn.text}`);
      this.problem = undefined;
      this.#loading = false;
      this.#watch();
      this.#outboxChanged();
    } catch (error) {
      this.#loading = false;
      if (this.#disposed) return;
      // After a lost connection, `#resume` loads again.
      if (error instanceof RefusedError) {
        this.problem = error.message;
        this.changed();
      } else if (this.hub.state === "live") this.#again(() => void this.#load());
    }
  }

  #watch(): void {
    this.#unwatch();
    if (this.#disposed || this.hub.state !== "live") return;
    this.#watching = this.hub.watch(this.id, this.state.lastSeq, {
      next: (event) => this.#take(event),
      end: () => {
        this.#watching = undefined;
        if (!this.state.deleted && this.hub.state === "live") this.#again(() => void this.#check());
      },
    });
  }

  #unwatch(): void {
    clearTimeout(this.#retry);
    this.state.paused = undefined; // The next watch reports it again.
    this.#watching?.stop();
    this.#watching = undefined;
  }

  #again(action: () => void): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(action, backoff(this.#failures++));
  }

  /** After a watch has ended: the conversation was deleted, or lost events that are shown here, or the watch can be resumed. */
  async #check(): Promise<void> {
    try {
      const info = await this.hub.getConversation(this.id);
      if (this.#disposed) return;
      if (info.lastSeq < this.state.lastSeq) await this.#load();
      else this.#watch();
    } catch (error) {
      if (this.#disposed) return;
      if (error instanceof RefusedError) {
        this.state.apply({ kind: "deleted", turn: 0, at: "" });
        this.changed();
      } else if (this.hub.state === "live") this.#again(() => void this.#check());
    }
  }

  #take(event: ConversationEvent): void {
    const before = this.state.lastSeq;
    const outcome = this.state.apply(event);
    if (outcome === "gap") {
      // After the first gap, watch again at once. If gaps repeat, watch again ever more slowly, and then reload.
      this.#unwatch();
      if (this.#failures > 5) this.#again(() => void this.#load());
      else if (this.#failures > 0) this.#again(() => this.#watch());
      else {
        this.#failures++;
        this.#watch();
      }
      return;
    }
    if (outcome === "reload") {
      this.#unwatch();
      this.#again(() => void this.#load());
      return;
    }
    if (this.state.lastSeq > before) {
      this.#failures = 0;
      if (event.kind === "message") {
        this.outbox.arrived(event.turn, event.text ?? "");
        this.store.save(this.id, this.outbox.all);
        this.onListed();
      }
      this.#describeSoon(event.kind === "finished" || event.kind === "cut" ? 0 : describeEvery);
    }
    if (this.state.deleted) {
      this.#unwatch();
      this.onListed();
    }
    this.changed();
  }

  #describeSoon(delay: number): void {
    if (delay > 0 && this.#describing !== undefined) return;
    clearTimeout(this.#describing);
    this.#describing = setTimeout(() => {
      this.#describing = undefined;
      // The next event refreshes it again; until then the position is counted from events.
      this.describe().catch(() => undefined);
    }, delay);
  }

  async #deliver(clientMessageId: string): Promise<void> {
    const message = this.outbox.all.find((one) => one.clientMessageId === clientMessageId);
    if (message === undefined || this.#inFlight.has(clientMessageId) || this.hub.state !== "live") return;
    this.#inFlight.add(clientMessageId);
    try {
      const { turn } = await this.hub.send(this.id, message.text, clientMessageId);
      this.outbox.sent(clientMessageId, turn, this.state.turn(turn) !== undefined);
    } catch (error) {
      if (error instanceof RefusedError) this.outbox.failed(clientMessageId, error.message);
      else if (this.hub.state === "live")
        this.outbox.failed(
          clientMessageId,
          "The server did not confirm this message. You can try again: it is stored only once.",
        );
    } finally {
      this.#inFlight.delete(clientMessageId);
      this.#outboxChanged();
    }
    // The connection may have come back while this call still waited for an answer on the old one.
    const left = this.outbox.all.find((one) => one.clientMessageId === clientMessageId);
    if (left?.state === "sending" && left.turn === undefined && !this.#disposed) void this.#deliver(clientMessageId);
  }

  #outboxChanged(): void {
    // A disposed session writes nothing: another session may have opened the conversation since. That one sends stored
    // messages again, under the same ids.
    if (this.#disposed) return;
    this.store.save(this.id, this.outbox.all);
    this.changed();
  }
}

function lacks(items: readonly TurnItem[], running: number | null | undefined): boolean {
  return running != null && items.every((item) => item.turn > running);
}
