import type { Conversation, ConversationEvent, EventKind, TurnItem } from "../src/contract.ts";

const at = "2026-01-01T00:00:00Z";

export const event = (
  kind: EventKind,
  seq: number | undefined,
  more: Partial<ConversationEvent> = {},
): ConversationEvent => ({
  kind,
  turn: 0,
  at,
  ...(seq === undefined ? {} : { seq }),
  ...more,
});

export const item = (turn: number, text: string, seq: number, more: Partial<TurnItem> = {}): TurnItem => ({
  turn,
  text,
  seq,
  from: 0,
  at,
  ...more,
});

export const conversation = (more: Partial<Conversation> = {}): Conversation => ({
  id: "c",
  model: "m",
  createdAt: at,
  activeAt: at,
  lastSeq: 0,
  position: 1,
  branch: 0,
  sinks: 4,
  window: 508,
  fixed: 4,
  forgotten: 0,
  ...more,
});

/** The user's message as turn 1, then a reply as turn 2 of one delta per word, all numbered from 1. */
export function exchange(question: string, words: readonly string[]): ConversationEvent[] {
  return [
    event("message", 1, { turn: 1, author: "a", text: question }),
    event("started", 2, { turn: 2 }),
    ...words.map((text, i) => event("delta", 3 + i, { turn: 2, text })),
    event("finished", 3 + words.length, { turn: 2, finishReason: "stop", text: "" }),
  ];
}
