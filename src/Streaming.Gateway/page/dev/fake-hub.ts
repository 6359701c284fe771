import type {
  Conversation,
  ConversationChanges,
  ConversationEvent,
  NewConversation,
  TurnItem,
} from "../src/contract.ts";
import { type ChatHub, type ConnectionState, RefusedError, type WatchObserver } from "../src/hub/chat-hub.ts";
import { showcase, story } from "./story.ts";

interface Log {
  info: Conversation;
  events: ConversationEvent[];
  watchers: Set<WatchObserver>;
  stop: boolean;
}

const base = Date.now();

/**
 * A hub in the browser, for developing the page without a server. In the address, `?offline` loses the connection after two
 * seconds, `?slow` makes replies slow, and `?queued` queues every reply first.
 */
export class FakeHub implements ChatHub {
  state: ConnectionState = "connecting";
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  readonly #logs = new Map<string, Log>();
  readonly #options = new URLSearchParams(location.search);

  constructor() {
    this.#seed();
  }

  onState(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    setTimeout(() => this.#become("live"), 100);
    if (!this.#options.has("offline")) return;
    setTimeout(() => this.#become("reconnecting"), 2_000);
    setTimeout(() => this.#become("offline"), 4_000);
  }

  retryNow(): void {
    if (this.state !== "live") this.#become("live");
  }

  async createConversation(request: NewConversation): Promise<Conversation> {
    return this.#create(crypto.randomUUID().replaceAll("-", "").slice(0, 22), request, new Date()).info;
  }

  async getConversation(id: string): Promise<Conversation> {
    return { ...this.#log(id).info };
  }

  async listConversations() {
    const items = [...this.#logs.values()].map((log) => log.info).sort((a, b) => b.activeAt.localeCompare(a.activeAt));
    return { items };
  }

  async configure(id: string, changes: ConversationChanges): Promise<void> {
    Object.assign(this.#log(id).info, changes);
  }

  async delete(id: string): Promise<void> {
    const log = this.#log(id);
    this.#logs.delete(id);
    for (const watcher of log.watchers) watcher.next({ kind: "deleted", turn: 0, at: now() });
  }

  async send(id: string, text: string) {
    const log = this.#log(id);
    const turn = this.#say(log, text);
    void this.#reply(log, turn + 1, text);
    return { turn, seq: log.info.lastSeq };
  }

  async stop(id: string): Promise<void> {
    this.#log(id).stop = true;
  }

  async readTurns(id: string, { before, take = 50 }: { before?: number; take?: number }) {
    const turns = new Map<number, TurnItem>();
    for (const event of this.#log(id).events) {
      if (event.seq === null || event.seq === undefined || event.turn === 0) continue;
      const item = turns.get(event.turn) ?? {
        turn: event.turn,
        text: "",
        from: 0,
        seq: 0,
        at: event.at,
        ...(event.author ? { author: event.author } : {}),
      };
      item.text += event.text ?? "";
      item.seq = event.seq;
      if (event.finishReason) item.finishReason = event.finishReason;
      turns.set(event.turn, item);
    }
    const pieces = [...turns.values()].flatMap(split);
    const end = before ?? pieces.length;
    const start = Math.max(0, end - take);
    return { items: pieces.slice(start, end), ...(start > 0 ? { next: start } : {}) };
  }

  watch(id: string, afterSeq: number, observer: WatchObserver) {
    const log = this.#log(id);
    log.watchers.add(observer);
    for (const event of log.events) if ((event.seq ?? 0) > afterSeq) observer.next(event);
    return { stop: () => log.watchers.delete(observer) };
  }

  #log(id: string): Log {
    const log = this.#logs.get(id);
    if (log === undefined) throw new RefusedError("There is no such conversation; list yours, or create one.");
    return log;
  }

  #become(state: ConnectionState): void {
    this.state = state;
    for (const listener of this.#listeners) listener(state);
  }

  #create(id: string, request: NewConversation, at: Date): Log {
    const info: Conversation = {
      id,
      title: request.title ?? null,
      model: "starter",
      createdAt: at.toISOString(),
      activeAt: at.toISOString(),
      lastSeq: 0,
      position: 1,
      branch: 0,
      sinks: 4,
      window: 508,
      fixed: 4,
      forgotten: 0,
      sampling: request.sampling ?? {},
    };
    const log: Log = { info, events: [], watchers: new Set(), stop: false };
    this.#logs.set(id, log);
    return log;
  }

  #append(log: Log, event: Omit<ConversationEvent, "seq" | "at">): void {
    const whole = { ...event, seq: ++log.info.lastSeq, at: now() };
    log.events.push(whole);
    for (const watcher of log.watchers) watcher.next(whole);
  }

  #say(log: Log, text: string): number {
    const turn = (log.events.findLast((event) => event.turn > 0)?.turn ?? 0) + 1;
    this.#append(log, { kind: "message", turn, author: "guest", text });
    log.info.title ??= text.slice(0, 60);
    log.info.activeAt = now();
    log.info.position += Math.ceil(text.length / 4);
    return turn;
  }

  async #reply(log: Log, turn: number, text: string): Promise<void> {
    log.info.running = turn;
    log.stop = false;
    const tell = (event: Omit<ConversationEvent, "at">) => {
      for (const watcher of log.watchers) watcher.next({ ...event, at: now() });
    };
    if (this.#options.has("queued")) {
      tell({ kind: "queued", turn, place: 2 });
      await wait(3_000);
      tell({ kind: "progress", turn, share: 0.4 });
      await wait(1_500);
    }
    this.#append(log, { kind: "started", turn });
    const limit = log.info.sampling?.maxTokens ?? 120;
    let count = 0;
    for (const word of /markdown/i.test(text) ? showcase.split(/(?<= )/) : story(turn)) {
      if (log.stop || (limit > 0 && count >= limit)) break;
      await wait(this.#options.has("slow") ? 150 : 25);
      this.#append(log, { kind: "delta", turn, text: word });
      log.info.position++;
      count++;
    }
    log.info.running = null;
    this.#append(log, {
      kind: "finished",
      turn,
      finishReason: log.stop ? "stopped" : limit > 0 && count >= limit ? "length" : "stop",
    });
  }

  #seed(): void {
    const whole = (
      log: Log,
      question: string,
      answer: string,
      finishReason: "stop" | "stopped" | "failed" = "stop",
    ) => {
      const turn = this.#say(log, question) + 1;
      this.#append(log, { kind: "started", turn });
      for (const part of answer.match(/[\s\S]{1,4}/g) ?? []) this.#append(log, { kind: "delta", turn, text: part });
      log.info.position += Math.ceil(answer.length / 4);
      this.#append(log, { kind: "finished", turn, finishReason });
    };
    const at = (log: Log, minutes: number) => {
      log.info.activeAt = new Date(base - minutes * 60_000).toISOString();
    };
    const tell = (length: number, seed: number) => {
      const parts: string[] = [];
      for (const word of story(seed)) if (parts.push(word) >= length) break;
      return parts.join("");
    };
    const dog = this.#create("story-of-a-dog", {}, new Date(base));
    whole(dog, "Hello!", "Hello! What shall we talk about today?");
    whole(dog, "Tell me a story about a dog.", tell(90, 0));
    whole(dog, "And then?\nDid the bird come back?", tell(60, 5), "stopped");
    this.#append(dog, { kind: "notice", turn: 0, text: "The model was replaced and has read the conversation again." });
    at(dog, 1);
    const markdown = this.#create("markdown", {}, new Date(base));
    whole(markdown, "Show me what Markdown looks like.", showcase);
    at(markdown, 8);
    const endless = this.#create("endless", { sampling: { maxTokens: 0, ignoreEos: true } }, new Date(base));
    whole(endless, "Tell me a story that never ends.", tell(60_000, 2), "stopped");
    at(endless, 190);
    const turns = this.#create("many-turns", {}, new Date(base));
    for (let i = 1; i <= 100; i++) whole(turns, `Question number ${i}, please.`, tell(30, i));
    at(turns, 60 * 30);
    for (let i = 0; i < 9; i++) {
      const log = this.#create(`older-${i}`, {}, new Date(base));
      whole(log, ["Why is the sky blue?", "A poem about rain", "What do cats dream of?"][i % 3] as string, tell(30, i));
      at(log, 60 * 24 * (3 + i * 9));
    }
  }
}

function split(item: TurnItem): TurnItem[] {
  const size = 64 * 1024;
  if (item.text.length <= size) return [item];
  const pieces: TurnItem[] = [];
  for (let from = 0; from < item.text.length; from += size) {
    const { finishReason, ...rest } = item;
    const last = from + size >= item.text.length;
    pieces.push({
      ...rest,
      from,
      text: item.text.slice(from, from + size),
      ...(last && finishReason ? { finishReason } : {}),
    });
  }
  return pieces;
}

const now = () => new Date().toISOString();
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
