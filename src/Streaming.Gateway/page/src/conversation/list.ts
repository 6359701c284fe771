import type { ConversationEntry } from "../contract.ts";
import type { ChatHub } from "../hub/chat-hub.ts";
import { whenLive } from "../hub/when-live.ts";

/** Entries per page of the list, and the most that one refresh reads. */
const pageSize = 50;
const largestPage = 200;

/** Refreshes within this time count as one. Milliseconds. */
const refreshAfter = 400;

/** The user's conversations, last active first. */
export class ConversationList {
  items: readonly ConversationEntry[] = [];
  next: string | undefined;
  loaded = false;

  #timer: ReturnType<typeof setTimeout> | undefined;
  #generation = 0;

  constructor(
    private readonly hub: ChatHub,
    private readonly changed: () => void,
  ) {
    hub.onState((state) => {
      if (state === "live") this.refreshSoon();
    });
    if (hub.state === "live") this.refreshSoon();
  }

  /** Reads the list again after a short delay, so that a burst of refreshes costs one call. */
  refreshSoon(): void {
    clearTimeout(this.#timer);
    if (this.hub.state !== "live") return;
    this.#timer = setTimeout(() => {
      // After a lost connection, the list is read when the connection is back.
      this.#refresh().catch(() => undefined);
    }, refreshAfter);
  }

  async more(): Promise<void> {
    const after = this.next;
    if (after === undefined) return;
    const generation = this.#generation;
    const page = await whenLive(this.hub, () => this.hub.listConversations({ after, take: pageSize }));
    if (generation !== this.#generation) return;
    const known = new Set(this.items.map((item) => item.id));
    this.items = [...this.items, ...page.items.filter((item) => !known.has(item.id))];
    this.next = page.next ?? undefined;
    this.changed();
  }

  /** Shows a new title at once, and refreshes the list. */
  rename(id: string, title: string): void {
    this.items = this.items.map((item) => (item.id === id ? { ...item, title } : item));
    this.changed();
    this.refreshSoon();
  }

  remove(id: string): void {
    this.items = this.items.filter((item) => item.id !== id);
    this.changed();
    this.refreshSoon();
  }

  async #refresh(): Promise<void> {
    const generation = ++this.#generation;
    const take = Math.min(largestPage, Math.max(pageSize, this.items.length));
    const page = await this.hub.listConversations({ take });
    if (generation !== this.#generation) return;
    this.items = page.items;
    this.next = page.next ?? undefined;
    this.loaded = true;
    this.changed();
  }
}
