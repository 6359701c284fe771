/** A message that is not yet known to be stored. */
export interface Pending {
  /** A message that is sent again with the same id is stored once. */
  readonly clientMessageId: string;
  readonly text: string;
  readonly state: "sending" | "failed";
  /** Why it failed: one sentence. */
  readonly problem?: string;
  /** Its turn, once the server has answered. */
  readonly turn?: number;
  /** The turn of an event with the same text: most likely this message, although the server has not yet answered. */
  readonly seen?: number;
}

/** The messages of one conversation that are not yet known to be stored, oldest first. It does no I/O; the session sends. */
export class Outbox {
  #pending: readonly Pending[];

  constructor(pending: readonly Pending[] = []) {
    this.#pending = pending;
  }

  get all(): readonly Pending[] {
    return this.#pending;
  }

  /** The messages that the transcript does not already show as turns. */
  get shown(): readonly Pending[] {
    return this.#pending.filter((message) => message.seen === undefined);
  }

  add(clientMessageId: string, text: string): void {
    this.#pending = [...this.#pending, { clientMessageId, text, state: "sending" }];
  }

  /** The server has stored it as `turn`; `here` tells whether that turn is shown already. */
  sent(clientMessageId: string, turn: number, here: boolean): void {
    if (here) this.remove(clientMessageId);
    else this.#change(clientMessageId, ({ seen: _, ...message }) => ({ ...message, turn }));
  }

  failed(clientMessageId: string, problem: string): void {
    this.#change(clientMessageId, ({ seen: _, ...message }) => ({ ...message, state: "failed", problem }));
  }

  retry(clientMessageId: string): void {
    this.#change(clientMessageId, ({ problem: _, ...message }) => ({ ...message, state: "sending" }));
  }

  remove(clientMessageId: string): void {
    this.#pending = this.#pending.filter((message) => message.clientMessageId !== clientMessageId);
  }

  /** A turn of the user has arrived. */
  arrived(turn: number, text: string): void {
    const own = this.#pending.find((message) => message.turn === turn);
    if (own !== undefined) {
      this.remove(own.clientMessageId);
      return;
    }
    const alike = this.#pending.find(
      (message) =>
        message.state === "sending" &&
        message.turn === undefined &&
        message.seen === undefined &&
        message.text === text,
    );
    if (alike !== undefined) this.#change(alike.clientMessageId, (message) => ({ ...message, seen: turn }));
  }

  #change(clientMessageId: string, change: (message: Pending) => Pending): void {
    this.#pending = this.#pending.map((message) =>
      message.clientMessageId === clientMessageId ? change(message) : message,
    );
  }
}
