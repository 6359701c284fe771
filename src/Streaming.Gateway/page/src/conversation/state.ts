import type { Conversation, ConversationEvent, FinishReason, Optional, TurnItem } from "../contract.ts";
import { GrowingText } from "./growing-text.ts";

export interface Turn {
  readonly number: number;
  readonly by: "person" | "model";
  at: string;
  /** The text from `from` on. */
  readonly text: GrowingText;
  /** Where in the turn the text that is here starts, in UTF-16 units; 0 once the turn is whole. */
  from: number;
  finishReason: FinishReason | undefined;
  /** Grows with every change of the turn. */
  version: number;
}

export interface Notice {
  readonly seq: number;
  readonly text: string;
  /** The turn after which it is shown. */
  readonly after: number;
}

/** What to do after an event: nothing, watch again from `lastSeq`, or reload the history. */
export type Outcome = "ok" | "gap" | "reload";

/**
 * One conversation as this page knows it: the history that was read, then events. Only this class changes it. It does no I/O and
 * depends only on its input.
 */
export class ConversationState {
  info: Conversation | undefined;
  /** The number of the last event that is contained. */
  lastSeq = 0;
  /** The `before` of the next older page; undefined when the beginning is loaded. */
  older: number | undefined;
  loaded = false;
  deleted = false;
  /** The turn of the reply that is running or queued. */
  running: number | undefined;
  /** Place in the queue, while the reply waits for a slot. */
  place: number | undefined;
  /** The share of a long input that was prefilled, 0 to 1. */
  share: number | undefined;
  /** Why the conversation cannot continue at the moment. */
  paused: string | undefined;
  notices: Notice[] = [];
  /** Grows with every change. */
  version = 0;

  readonly #turns = new Map<number, Turn>();
  #ordered: Turn[] | undefined = [];
  #cuts: { turn: number; seq: number }[] = [];
  #lastTokenSeq = 0;

  /** Ascending. */
  get turns(): readonly Turn[] {
    this.#ordered ??= [...this.#turns.values()].sort((a, b) => a.number - b.number);
    return this.#ordered;
  }

  turn(number: number): Turn | undefined {
    return this.#turns.get(number);
  }

  /** Tokens of the stream; between two descriptions of the server, each event number of a reply counts as one. */
  get position(): number {
    if (this.info === undefined) return 0;
    return this.info.position + Math.max(0, this.#lastTokenSeq - this.info.lastSeq);
  }

  /** Starts over from the server's description and the latest pages (ascending, without a gap). */
  load(info: Conversation, items: readonly TurnItem[], older: Optional<number>): void {
    this.#turns.clear();
    this.#cuts = [];
    this.notices = [];
    this.lastSeq = items.reduce((last, item) => Math.max(last, item.seq), 0);
    this.#lastTokenSeq = 0;
    this.deleted = false;
    this.place = this.share = this.paused = undefined;
    for (const item of items) this.#add(item);
    this.older = older ?? undefined;
    this.loaded = true;
    this.info = undefined;
    this.describe(info);
  }

  /** Applies the server's description, unless a later one is known. */
  describe(info: Conversation): void {
    if (this.info !== undefined && this.info.lastSeq > info.lastSeq) return;
    this.info = info;
    // If events are later than the description, they tell what is running.
    if (info.lastSeq >= this.lastSeq) this.#run(info.running ?? undefined);
    this.version++;
  }

  /** Adds the page before the oldest loaded turn. */
  addOlder(items: readonly TurnItem[], older: Optional<number>): void {
    for (const item of [...items].reverse()) {
      if (this.#cuts.some((cut) => item.turn >= cut.turn && item.seq < cut.seq)) continue;
      this.#add(item);
    }
    this.older = older ?? undefined;
    this.version++;
  }

  apply(event: ConversationEvent): Outcome {
    if (event.kind === "deleted") {
      this.deleted = true;
      this.#run(undefined);
    } else if (event.kind === "queued") {
      this.#run(event.turn || this.running);
      this.place = event.place ?? undefined;
    } else if (event.kind === "progress") {
      this.place = undefined;
      this.share = event.share ?? undefined;
    } else if (event.kind === "paused") {
      this.paused = event.text ?? "The conversation is paused.";
    } else if (event.kind === "resumed") {
      this.paused = undefined;
    } else {
      const outcome = this.#number(event);
      if (outcome !== "new") return outcome;
      if (!this.#take(event)) return "reload";
      this.lastSeq = event.seq as number;
      this.paused = undefined;
    }
    this.version++;
    return "ok";
  }

  /** Whether the event is the next one ("new"), is contained already ("ok"), or leaves a gap. */
  #number(event: ConversationEvent): "new" | "ok" | "gap" {
    if (event.seq == null) return "ok";
    if (event.seq <= this.lastSeq) return "ok";
    return (event.first ?? event.seq) === this.lastSeq + 1 ? "new" : "gap";
  }

  /** False when the event continues a turn whose beginning is unknown. */
  #take(event: ConversationEvent): boolean {
    const seq = event.seq as number;
    switch (event.kind) {
      case "message":
        this.#put(event, "person").text.append(event.text ?? "");
        return true;
      case "started":
        this.#put(event, "model");
        this.#run(event.turn);
        return true;
      case "delta": {
        const turn = this.#turns.get(event.turn);
        if (turn === undefined) return false;
        turn.text.append(event.text ?? "");
        turn.version++;
        this.#lastTokenSeq = seq;
        this.#run(event.turn);
        this.place = this.share = undefined;
        return true;
      }
      case "finished": {
        const turn = this.#turns.get(event.turn);
        if (turn === undefined) return false;
        turn.text.append(event.text ?? "");
        turn.finishReason = event.finishReason ?? "stop";
        turn.version++;
        if (this.running === event.turn) this.#run(undefined);
        return true;
      }
      case "cut":
        this.#cuts.push({ turn: event.turn, seq });
        for (const number of [...this.#turns.keys()]) if (number >= event.turn) this.#turns.delete(number);
        this.#ordered = undefined;
        this.notices = this.notices.filter((notice) => notice.after < event.turn);
        if (this.running !== undefined && this.running >= event.turn) this.#run(undefined);
        return true;
      case "notice":
        this.notices = [
          ...this.notices,
          { seq, text: event.text ?? "", after: event.turn || (this.turns.at(-1)?.number ?? 0) },
        ];
        return true;
      default:
        // A kind of a later version: only its number counts.
        return true;
    }
  }

  #put(event: ConversationEvent, by: Turn["by"]): Turn {
    return this.#insert({
      number: event.turn,
      by,
      at: event.at,
      text: new GrowingText(),
      from: 0,
      finishReason: undefined,
      version: 0,
    });
  }

  #insert(turn: Turn): Turn {
    this.#turns.set(turn.number, turn);
    this.#ordered = undefined;
    return turn;
  }

  /** Adds a piece of history before or after the known text of its turn; nothing if the text is known already. */
  #add(item: TurnItem): void {
    const turn =
      this.#turns.get(item.turn) ??
      this.#insert({
        number: item.turn,
        by: item.author == null ? "model" : "person",
        at: item.at,
        text: new GrowingText(),
        from: item.from,
        finishReason: undefined,
        version: 0,
      });
    const end = turn.from + turn.text.length;
    if (item.from < turn.from) {
      turn.text.prepend(item.text.slice(0, turn.from - item.from));
      turn.from = item.from;
    } else if (item.from <= end) {
      turn.text.append(item.text.slice(end - item.from));
    }
    if (item.finishReason) turn.finishReason = item.finishReason;
    turn.version++;
  }

  #run(turn: number | undefined): void {
    if (this.running === turn) return;
    const before = this.running;
    this.running = turn;
    this.place = this.share = undefined;
    for (const number of [before, turn]) {
      const changed = number === undefined ? undefined : this.#turns.get(number);
      if (changed !== undefined) changed.version++;
    }
  }
}
