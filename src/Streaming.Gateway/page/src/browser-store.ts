import type { Pending } from "./conversation/outbox.ts";
import type { SessionStore } from "./conversation/session.ts";

const outboxKey = (id: string) => `outbox:${id}`;
const draftKey = (id: string) => `draft:${id}`;

/** What must survive a reload of this tab: messages on their way, and what is being written. */
export class BrowserStore implements SessionStore {
  constructor(private readonly storage: Storage = sessionStorage) {}

  load(conversationId: string): readonly Pending[] {
    const text = this.storage.getItem(outboxKey(conversationId));
    return text === null ? [] : (JSON.parse(text) as Pending[]).map(({ seen: _, ...message }) => message);
  }

  save(conversationId: string, pending: readonly Pending[]): void {
    this.#write(outboxKey(conversationId), pending.length === 0 ? "" : JSON.stringify(pending));
  }

  draft(conversationId: string): string {
    return this.storage.getItem(draftKey(conversationId)) ?? "";
  }

  saveDraft(conversationId: string, text: string): void {
    this.#write(draftKey(conversationId), text);
  }

  #write(key: string, value: string): void {
    if (value === "") this.storage.removeItem(key);
    else
      try {
        this.storage.setItem(key, value);
      } catch (error) {
        // A full store keeps what fits: the message itself is still here and on its way.
        if (!(error instanceof DOMException)) throw error;
      }
  }
}
