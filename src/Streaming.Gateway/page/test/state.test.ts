import { beforeEach, describe, expect, it } from "vitest";
import { ConversationState } from "../src/conversation/state.ts";
import { conversation, event, exchange, item } from "./events.ts";

let state: ConversationState;
const texts = () => state.turns.map((turn) => `${turn.number}:${turn.by}:${turn.text}`);

beforeEach(() => {
  state = new ConversationState();
  state.load(conversation(), [], undefined);
});

describe("Events", () => {
  it("pause the conversation until it is resumed or another event arrives", () => {
    state.apply({ kind: "paused", turn: 0, at: "", text: "This conversation does not answer at the moment." });
    expect(state.paused).toBe("This conversation does not answer at the moment.");
    state.apply({ kind: "resumed", turn: 0, at: "" });
    expect(state.paused).toBeUndefined();
    state.apply({ kind: "paused", turn: 0, at: "", text: "The store does not answer." });
    expect(state.apply(event("started", 1, { turn: 1 }))).toBe("ok");
    expect(state.paused).toBeUndefined();
  });

  it("add up to the reply's text, including the rest in `finished`", () => {
    for (const one of exchange("Hi", ["On", "ce ", "upon"])) expect(state.apply(one)).toBe("ok");
    state.apply(event("started", 7, { turn: 3 }));
    state.apply(event("delta", 8, { turn: 3, text: "a" }));
    state.apply(event("finished", 9, { turn: 3, text: "bc", finishReason: "length" }));
    expect(texts()).toEqual(["1:person:Hi", "2:model:Once upon", "3:model:abc"]);
    expect(state.turn(3)?.finishReason).toBe("length");
    expect(state.lastSeq).toBe(9);
  });

  it("are dropped when they are known already, also in ranges", () => {
    const events = exchange("Hi", ["a", "b", "c"]);
    for (const one of [...events.slice(0, 4), ...events.slice(1, 4), events[0], ...events.slice(4)]) {
      expect(state.apply(one as (typeof events)[0])).toBe("ok");
    }
    expect(state.apply(event("delta", 5, { first: 3, turn: 2, text: "abc" }))).toBe("ok");
    expect(texts()).toEqual(["1:person:Hi", "2:model:abc"]);
  });

  it("may cover a range of numbers", () => {
    state.apply(event("message", 1, { turn: 1, author: "a", text: "Hi" }));
    state.apply(event("started", 2, { turn: 2 }));
    expect(state.apply(event("delta", 40, { first: 3, turn: 2, text: "long" }))).toBe("ok");
    expect(state.lastSeq).toBe(40);
    expect(state.apply(event("delta", 41, { turn: 2, text: "er" }))).toBe("ok");
    expect(texts()[1]).toBe("2:model:longer");
  });

  it("may have no text", () => {
    state.apply(event("started", 1, { turn: 1 }));
    expect(state.apply(event("delta", 2, { turn: 1, text: null }))).toBe("ok");
    expect(state.lastSeq).toBe(2);
  });

  it("after a gap are reported and change nothing", () => {
    state.apply(event("started", 1, { turn: 1 }));
    const version = state.version;
    expect(state.apply(event("delta", 3, { turn: 1, text: "b" }))).toBe("gap");
    expect([state.lastSeq, state.version, `${state.turn(1)?.text}`]).toEqual([1, version, ""]);
  });

  it("that overlap known numbers are reported as a gap", () => {
    state.apply(event("started", 1, { turn: 1 }));
    state.apply(event("delta", 2, { turn: 1, text: "a" }));
    expect(state.apply(event("delta", 4, { first: 2, turn: 1, text: "abc" }))).toBe("gap");
  });

  it("of an unknown turn ask for a reload", () => {
    expect(state.apply(event("delta", 1, { turn: 7, text: "x" }))).toBe("reload");
    expect(state.lastSeq).toBe(0);
  });

  it("of an unknown kind count their number", () => {
    expect(state.apply(event("renamed" as never, 1))).toBe("ok");
    expect(state.lastSeq).toBe(1);
  });
});

describe("History", () => {
  it("is continued by the events after its last number", () => {
    const items = [item(1, "Hi", 1, { author: "a" }), item(2, "Once", 6), item(3, "wait", 4, { author: "a" })];
    state.load(conversation({ lastSeq: 6, running: 2 }), items, null);
    expect(state.lastSeq).toBe(6);
    expect(state.running).toBe(2);
    state.apply(event("delta", 7, { turn: 2, text: " upon" }));
    expect(texts()).toEqual(["1:person:Hi", "2:model:Once upon", "3:person:wait"]);
  });

  it("joins the pieces of a turn within a page and across pages", () => {
    state.load(conversation({ lastSeq: 9 }), [item(2, "ccc", 6, { from: 6 }), item(2, "ddd", 9, { from: 9 })], 5);
    expect(state.turn(2)?.from).toBe(6);
    state.apply(event("delta", 10, { turn: 2, text: "!" }));
    state.addOlder([item(1, "Hi", 1, { author: "a" }), item(2, "aaa", 2), item(2, "bbb", 4, { from: 3 })], null);
    expect(texts()).toEqual(["1:person:Hi", "2:model:aaabbbcccddd!"]);
    expect(state.turn(2)?.from).toBe(0);
    expect(state.older).toBeUndefined();
  });

  it("trims a piece that overlaps the known text at either end", () => {
    state.load(conversation(), [item(2, "cdef", 9, { from: 2 })], 5);
    state.addOlder([item(2, "abcd", 6, { from: 0 })], 3);
    expect(texts()).toEqual(["2:model:abcdef"]);
    state.addOlder([item(2, "efgh", 6, { from: 4 })], 3);
    expect(texts()).toEqual(["2:model:abcdefgh"]);
  });

  it("omits turns of a late page that were cut meanwhile", () => {
    state.load(conversation({ lastSeq: 9 }), [item(5, "x", 9, { author: "a" })], 5);
    state.apply(event("cut", 10, { turn: 3 }));
    state.addOlder([item(2, "keep", 4), item(3, "gone", 5, { author: "a" })], 2);
    expect(texts()).toEqual(["2:model:keep"]);
  });

  it("replaces everything when it is loaded again", () => {
    for (const one of exchange("Hi", ["a"])) state.apply(one);
    state.load(conversation({ lastSeq: 1 }), [item(1, "Hi", 1, { author: "a" })], undefined);
    expect(texts()).toEqual(["1:person:Hi"]);
    expect(state.lastSeq).toBe(1);
  });
});

describe("A cut", () => {
  it("removes the turn and all later ones, and a new reply can start", () => {
    for (const one of exchange("Hi", ["a"])) state.apply(one);
    state.apply(event("message", 5, { turn: 3, author: "a", text: "More" }));
    state.apply(event("started", 6, { turn: 4 }));
    state.apply(event("cut", 7, { turn: 2 }));
    expect(texts()).toEqual(["1:person:Hi"]);
    expect(state.running).toBeUndefined();
    state.apply(event("started", 8, { turn: 5 }));
    state.apply(event("delta", 9, { turn: 5, text: "b" }));
    expect(texts()).toEqual(["1:person:Hi", "5:model:b"]);
  });
});

describe("The running reply", () => {
  it("is known from `started` to `finished`", () => {
    const [message, started, delta, finished] = exchange("Hi", ["a"]) as [never, never, never, never];
    state.apply(message);
    expect(state.running).toBeUndefined();
    state.apply(started);
    expect(state.running).toBe(2);
    state.apply(delta);
    state.apply(finished);
    expect(state.running).toBeUndefined();
  });

  it("has a place in the queue and a share read until text arrives", () => {
    state.apply(event("queued", undefined, { turn: 2, place: 3 }));
    expect([state.running, state.place]).toEqual([2, 3]);
    state.apply(event("progress", undefined, { turn: 2, share: 0.5 }));
    expect([state.place, state.share]).toEqual([undefined, 0.5]);
    state.apply(event("started", 1, { turn: 2 }));
    state.apply(event("delta", 2, { turn: 2, text: "a" }));
    expect([state.place, state.share]).toEqual([undefined, undefined]);
  });

  it("is not changed by a description that is older than the events", () => {
    for (const one of exchange("Hi", ["a"])) state.apply(one);
    state.describe(conversation({ lastSeq: 3, running: 2 }));
    expect(state.running).toBeUndefined();
    state.describe(conversation({ lastSeq: 9, running: 4 }));
    expect(state.running).toBe(4);
  });

  it("ends when the conversation is deleted", () => {
    state.apply(event("started", 1, { turn: 1 }));
    state.apply(event("deleted", undefined));
    expect([state.deleted, state.running]).toEqual([true, undefined]);
  });
});

describe("The position", () => {
  it("counts one token for each event number since the last description", () => {
    state.load(conversation({ lastSeq: 2, position: 20 }), [item(1, "", 2)], undefined);
    state.apply(event("delta", 5, { first: 3, turn: 1, text: "abc" }));
    expect(state.position).toBe(23);
    state.describe(conversation({ lastSeq: 4, position: 22 }));
    expect(state.position).toBe(23);
    state.describe(conversation({ lastSeq: 5, position: 23 }));
    expect(state.position).toBe(23);
  });
});

describe("Notices", () => {
  it("are shown after the last turn", () => {
    for (const one of exchange("Hi", ["a"])) state.apply(one);
    state.apply(event("notice", 5, { text: "Another model" }));
    expect(state.notices).toEqual([{ seq: 5, text: "Another model", after: 2 }]);
  });
});
