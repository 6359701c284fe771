import type { Pending } from "./conversation/outbox.ts";
import type { SessionStore } from "./conversation/session.ts";

const outboxKey = (id: string) => `outbox:${id}`;
const draftKey = (id: string) => `draft:${id}`;

/** What survives a reload of this tab: messages that are not yet stored, and drafts. */
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
        // The storage is full. The message is still in memory and is being sent.
        if (!(error instanceof DOMException)) throw error;
      }
  }
}
