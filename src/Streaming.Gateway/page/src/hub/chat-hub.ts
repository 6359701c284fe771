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

/** The server answered, and said no; the message is one sentence for the reader. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

/** Nobody knows whether the server heard: ask again when the hub is live. */
export class DisconnectedError extends Error {
  override readonly name = "DisconnectedError";
}

export interface WatchObserver {
  next(event: ConversationEvent): void;
  /** The stream ended: for an error, or (without one) because the server has nothing more to say. */
  end(error?: Error): void;
}

export interface Watching {
  /** Nothing reaches the observer afterwards. */
  stop(): void;
}

/** The gateway as the page sees it. Calls reject with {@link RefusedError} or {@link DisconnectedError}. */
export interface ChatHub {
  readonly state: ConnectionState;
  /** Tells of every change of state; returns what ends the subscription. */
  onState(listener: (state: ConnectionState) => void): () => void;
  /** Connects, and stays connected until the page is left. */
  start(): void;
  /** Does not wait for the next attempt. */
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
