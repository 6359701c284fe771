import type {
  Conversation,
  ConversationChanges,
  ConversationEvent,
  ConversationPage,
  NewConversation,
  Sent,
  TurnPage,
} from "../contract.ts";

export type ConnectionState = "connecting" | "live" | "reconnecting" | "offline";

/** The server refused the call; the message is one sentence for the user. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

/** It is unknown whether the call reached the server: repeat it when the hub is live. */
export class DisconnectedError extends Error {
  override readonly name = "DisconnectedError";
}

export interface WatchObserver {
  next(event: ConversationEvent): void;
  /** The stream ended, with an error or because the server completed it. */
  end(error?: Error): void;
}

export interface Watching {
  /** Nothing reaches the observer afterwards. */
  stop(): void;
}

/** The gateway as the page sees it. Calls reject with {@link RefusedError} or {@link DisconnectedError}. */
export interface ChatHub {
  readonly state: ConnectionState;
  /** Why the server refuses this guest, a sentence; undefined when it does not. */
  readonly refusal?: string | undefined;
  /** Calls the listener at each change of state; returns a function that ends the subscription. */
  onState(listener: (state: ConnectionState) => void): () => void;
  /** Connects, and reconnects until the page is closed. */
  start(): void;
  /** Reconnects now, without waiting for the next attempt. */
  retryNow(): void;

  createConversation(request: NewConversation): Promise<Conversation>;
  getConversation(id: string): Promise<Conversation>;
  listConversations(request: { after?: string; take?: number }): Promise<ConversationPage>;
  configure(id: string, changes: ConversationChanges): Promise<void>;
  delete(id: string): Promise<void>;
  send(id: string, text: string, clientMessageId: string): Promise<Sent>;
  stop(id: string, turn?: number): Promise<void>;
  readTurns(id: string, request: { before?: number; take?: number }): Promise<TurnPage>;
  watch(id: string, afterSeq: number, observer: WatchObserver): Watching;
}
