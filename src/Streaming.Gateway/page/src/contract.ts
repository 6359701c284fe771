/** The hub's JSON. Fields that are null on the server may be null or absent here. */

export type Optional<T> = T | null | undefined;

export interface Sampling {
  temperature?: number | null;
  topP?: number | null;
  topK?: number | null;
  minP?: number | null;
  repeatPenalty?: number | null;
  frequencyPenalty?: number | null;
  presencePenalty?: number | null;
  seed?: number | null;
  /** Tokens a reply may have; 0 is endless. */
  maxTokens?: number | null;
  ignoreEos?: boolean | null;
  stop?: string[] | null;
}

export interface NewConversation {
  title?: string;
  systemPrompt?: string;
  sampling?: Sampling;
}

export interface ConversationChanges {
  title?: string;
  sampling?: Sampling;
}

export interface Conversation {
  id: string;
  title?: Optional<string>;
  model: string;
  createdAt: string;
  activeAt: string;
  lastSeq: number;
  /** The turn of the reply that is running or queued. */
  running?: Optional<number>;
  /** Tokens of the stream. */
  position: number;
  branch: number;
  sinks: number;
  window: number;
  /** Tokens that are never evicted: the sinks, or the pinned prompt if it is longer. */
  fixed: number;
  forgotten: number;
  sampling?: Optional<Sampling>;
}

export interface ConversationEntry {
  id: string;
  title?: Optional<string>;
  createdAt: string;
  activeAt: string;
}

export interface ConversationPage {
  items: ConversationEntry[];
  next?: Optional<string>;
}

export interface Sent {
  turn: number;
  seq: number;
}

export type FinishReason = "stop" | "length" | "stopped" | "interrupted" | "failed";

/** A turn, or a piece of a long one. */
export interface TurnItem {
  turn: number;
  /** A member's identity; absent for the model. */
  author?: Optional<string>;
  text: string;
  /** Where in the turn's text the piece starts, in UTF-16 units. */
  from: number;
  /** The number that the text reaches. */
  seq: number;
  finishReason?: Optional<FinishReason>;
  at: string;
}

export interface TurnPage {
  items: TurnItem[];
  /** What to pass as `before` for the page before this one. */
  next?: Optional<number>;
}

export type EventKind =
  | "message"
  | "started"
  | "delta"
  | "finished"
  | "cut"
  | "notice"
  | "queued"
  | "progress"
  | "paused"
  | "resumed"
  | "deleted";

export interface ConversationEvent {
  kind: EventKind;
  /** The (last) number; absent for kinds that are not stored. */
  seq?: Optional<number>;
  /** The first number of a range; absent when it equals `seq`. */
  first?: Optional<number>;
  turn: number;
  author?: Optional<string>;
  text?: Optional<string>;
  at: string;
  finishReason?: Optional<FinishReason>;
  generatedTokens?: Optional<number>;
  decodeMs?: Optional<number>;
  /** Of `queued`: the place in the queue; 1 is next. */
  place?: Optional<number>;
  /** Of `queued`: an estimate of the wait. */
  seconds?: Optional<number>;
  /** Of `progress`: 0 to 1. */
  share?: Optional<number>;
}

/** Limits that the server enforces; the page checks them before it sends. */
export const limits = { messageBytes: 1 << 20, titleLength: 200, waitingMessages: 64 } as const;

/** Whether a failure is temporary: the server's sentence says so. */
export const isTemporary = (sentence: string): boolean => /try again in a (moment|few seconds)/.test(sentence);
