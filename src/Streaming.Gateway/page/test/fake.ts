import type { Conversation, ConversationEvent, Sent, TurnPage } from "../src/contract.ts";
import type { ChatHub, ConnectionState, WatchObserver } from "../src/hub/chat-hub.ts";
import { conversation } from "./events.ts";

/** A hub whose answers the test scripts; it records the calls. */
export class ScriptedHub implements ChatHub {
  state: ConnectionState = "live";
  info: () => Promise<Conversation> = async () => conversation();
  pages: (before: number | undefined) => Promise<TurnPage> = async () => ({ items: [] });
  answer: (text: string, clientMessageId: string) => Promise<Sent> = async () => ({ turn: 1, seq: 1 });
  readonly watches: { after: number; observer: WatchObserver; stopped: boolean }[] = [];
  readonly sent: { text: string; clientMessageId: string }[] = [];
  readonly asked: (number | undefined)[] = [];
  readonly #listeners = new Set<(state: ConnectionState) => void>();

  become(state: ConnectionState): void {
    this.state = state;
    for (const listener of this.#listeners) listener(state);
  }

  /** Sends events to the latest watch, even if it is stopped: the test should see what the session does wrong. */
  push(...events: ConversationEvent[]): void {
    for (const event of events) this.watches.at(-1)?.observer.next(event);
  }

  onState(listener: (state: ConnectionState) => void) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  start(): void {}
  retryNow(): void {}
  createConversation: ChatHub["createConversation"] = () => this.info();
  getConversation = () => this.info();
  listConversations = async () => ({ items: [] });
  configure = async () => {};
  delete = async () => {};
  stop: ChatHub["stop"] = async () => {};

  async send(_id: string, text: string, clientMessageId: string): Promise<Sent> {
    this.sent.push({ text, clientMessageId });
    return this.answer(text, clientMessageId);
  }

  async readTurns(_id: string, { before }: { before?: number }): Promise<TurnPage> {
    this.asked.push(before);
    return this.pages(before);
  }

  watch(_id: string, after: number, observer: WatchObserver) {
    const watch = { after, observer, stopped: false };
    this.watches.push(watch);
    return {
      stop: () => {
        watch.stopped = true;
      },
    };
  }
}
