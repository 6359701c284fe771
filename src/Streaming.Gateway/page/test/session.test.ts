import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BrowserStore } from "../src/browser-store.ts";
import { Session } from "../src/conversation/session.ts";
import { DisconnectedError, RefusedError } from "../src/hub/chat-hub.ts";
import { conversation, event, item } from "./events.ts";
import { ScriptedHub } from "./fake.ts";

let hub: ScriptedHub;
let session: Session;
const store = new BrowserStore();
const texts = () => session.state.turns.map((turn) => `${turn.number}:${turn.text}`);
const afters = () => hub.watches.map((watch) => watch.after);
/** Lets everything happen that is due within so many milliseconds. */
const pass = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

async function open(): Promise<void> {
  session = new Session("c", hub, store, () => {});
  await pass();
}

beforeEach(() => {
  vi.useFakeTimers();
  sessionStorage.clear();
  hub = new ScriptedHub();
});

afterEach(() => {
  session.dispose();
  vi.useRealTimers();
});

describe("joining", () => {
  it("watches after the highest number of the history", async () => {
    hub.pages = async () => ({ items: [item(1, "Hi", 1, { author: "a" }), item(2, "Once", 5)] });
    hub.info = async () => conversation({ lastSeq: 5, running: 2 });
    await open();
    hub.push(event("delta", 6, { turn: 2, text: " upon" }));
    expect(afters()).toEqual([5]);
    expect(texts()).toEqual(["1:Hi", "2:Once upon"]);
  });

  it("watches a new conversation from its beginning", async () => {
    await open();
    expect(afters()).toEqual([0]);
  });

  it("reads on until the running reply is there, behind the messages that wait for it", async () => {
    hub.info = async () => conversation({ lastSeq: 9, running: 2 });
    hub.pages = async (before) =>
      before === undefined
        ? { items: [item(4, "and?", 9, { author: "a" })], next: 7 }
        : { items: [item(2, "Once", 8), item(3, "well?", 7, { author: "a" })], next: 3 };
    await open();
    expect(hub.asked).toEqual([undefined, 7]);
    expect(afters()).toEqual([9]);
    expect(session.state.older).toBe(3);
    hub.push(event("delta", 10, { turn: 2, text: " upon" }));
    expect(texts()).toEqual(["2:Once upon", "3:well?", "4:and?"]);
  });

  it("waits for the connection", async () => {
    hub.state = "connecting";
    await open();
    expect(hub.asked).toEqual([]);
    hub.become("live");
    await pass();
    expect(afters()).toEqual([0]);
  });

  it("says why there is nothing to show when the server refuses", async () => {
    hub.info = async () => {
      throw new RefusedError("There is no such conversation; list yours, or create one.");
    };
    await open();
    expect(session.problem).toBe("There is no such conversation; list yours, or create one.");
    expect(hub.watches).toEqual([]);
  });

  it("tries again when the server does not answer in time", async () => {
    const calls = vi.fn().mockRejectedValueOnce(new DisconnectedError("late")).mockResolvedValue(conversation());
    hub.info = calls;
    await open();
    expect(hub.watches).toEqual([]);
    await pass(300);
    expect(afters()).toEqual([0]);
  });
});

describe("going on", () => {
  it("watches again from its last number when one is missing, and shows nothing twice", async () => {
    await open();
    hub.push(
      event("started", 1, { turn: 1 }),
      event("delta", 2, { turn: 1, text: "a" }),
      event("delta", 4, { turn: 1, text: "c" }),
    );
    expect(afters()).toEqual([0, 2]);
    expect(hub.watches[0]?.stopped).toBe(true);
    hub.push(event("delta", 4, { first: 3, turn: 1, text: "bc" }));
    expect(texts()).toEqual(["1:abc"]);
  });

  it("asks a server that keeps leaving gaps ever more slowly, then reads everything anew", async () => {
    await open();
    hub.push(event("message", 5, { turn: 1, text: "x" }));
    expect(afters()).toEqual([0, 0]);
    for (let i = 0; i < 6; i++) {
      hub.push(event("message", 5, { turn: 1, text: "x" }));
      await pass(10_000);
    }
    expect(hub.asked.length).toBe(2);
    expect(hub.watches.length).toBeLessThan(10);
  });

  it("goes on from its last number after a lost connection, without gap or repeat", async () => {
    await open();
    hub.push(event("started", 1, { turn: 1 }), event("delta", 2, { turn: 1, text: "a" }));
    hub.become("reconnecting");
    expect(hub.watches[0]?.stopped).toBe(true);
    hub.become("live");
    await pass();
    expect(afters()).toEqual([0, 2]);
    hub.push(event("delta", 5, { first: 3, turn: 1, text: "bcd" }));
    expect(texts()).toEqual(["1:abcd"]);
    expect(hub.asked.length).toBe(1);
  });

  it("watches again when the stream ends without a reason", async () => {
    await open();
    hub.watches[0]?.observer.end();
    await pass(10_000);
    expect(afters()).toEqual([0, 0]);
  });

  it("reads everything anew when the server has fewer numbers than it", async () => {
    await open();
    hub.push(
      event("message", 1, { turn: 1, author: "a", text: "Hi" }),
      event("message", 2, { turn: 2, author: "a", text: "lost" }),
    );
    hub.info = async () => conversation({ lastSeq: 1 });
    hub.pages = async () => ({ items: [item(1, "Hi", 1, { author: "a" })] });
    hub.watches[0]?.observer.end(new RefusedError("There are only 1 events yet."));
    await pass(10_000);
    expect(texts()).toEqual(["1:Hi"]);
    expect(afters()).toEqual([0, 1]);
  });

  it("ends when the conversation is deleted", async () => {
    await open();
    hub.push(event("deleted", undefined));
    expect(session.state.deleted).toBe(true);
    expect(hub.watches[0]?.stopped).toBe(true);
    hub.become("reconnecting");
    hub.become("live");
    await pass(10_000);
    expect(hub.watches.length).toBe(1);
  });

  it("takes a conversation that is gone at the next look for deleted", async () => {
    await open();
    hub.info = async () => {
      throw new RefusedError("There is no such conversation.");
    };
    hub.watches[0]?.observer.end(new RefusedError("There is no such conversation."));
    await pass(10_000);
    expect(session.state.deleted).toBe(true);
  });

  it("has neither watch nor listener nor timer after it was disposed", async () => {
    await open();
    hub.push(event("started", 1, { turn: 1 }));
    session.dispose();
    expect(hub.watches[0]?.stopped).toBe(true);
    expect(hub.listeners).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not open a watch when it is disposed while history is on its way", async () => {
    session = new Session("c", hub, store, () => {});
    session.dispose();
    await pass(10_000);
    expect(hub.watches).toEqual([]);
  });
});

describe("older history", () => {
  it("comes page by page, one at a time", async () => {
    hub.pages = async (before) =>
      before === undefined
        ? { items: [item(3, "c", 3)], next: 3 }
        : { items: [item(before - 1, "b", before - 1)], next: before - 1 > 1 ? before - 1 : null };
    await open();
    expect(await Promise.all([session.loadOlder(), session.loadOlder()])).toEqual([true, false]);
    expect(texts()).toEqual(["2:b", "3:c"]);
    expect([await session.loadOlder(), await session.loadOlder()]).toEqual([true, false]);
    expect(texts()).toEqual(["1:b", "2:b", "3:c"]);
    expect(hub.asked).toEqual([undefined, 3, 2]);
  });
});

describe("sending", () => {
  it("shows the message until its turn is there", async () => {
    await open();
    session.send("Hi");
    expect(session.outbox.shown.map((message) => message.text)).toEqual(["Hi"]);
    await pass();
    hub.push(event("message", 1, { turn: 1, author: "a", text: "Hi" }));
    expect(session.outbox.all).toEqual([]);
    expect(texts()).toEqual(["1:Hi"]);
  });

  it("sends again under the same id when the connection was lost before the answer", async () => {
    await open();
    hub.answer = async () => {
      hub.become("reconnecting");
      throw new DisconnectedError("The connection was lost.");
    };
    session.send("Hi");
    await pass();
    expect(session.outbox.all[0]?.state).toBe("sending");
    hub.answer = async () => ({ turn: 1, seq: 1 });
    hub.become("live");
    await pass();
    expect(hub.sent.map((one) => one.text)).toEqual(["Hi", "Hi"]);
    expect(new Set(hub.sent.map((one) => one.clientMessageId)).size).toBe(1);
  });

  it("keeps a refused message with the server's sentence and retries under the same id", async () => {
    await open();
    hub.answer = async () => {
      throw new RefusedError("64 messages wait already; wait for the reply.");
    };
    session.send("Hi");
    await pass();
    const [message] = session.outbox.all;
    expect(message).toMatchObject({ state: "failed", problem: "64 messages wait already; wait for the reply." });
    hub.answer = async () => ({ turn: 1, seq: 1 });
    session.retry(message?.clientMessageId ?? "");
    await pass();
    expect(hub.sent[1]).toEqual(hub.sent[0]);
    expect(session.outbox.all[0]).toMatchObject({ state: "sending", turn: 1 });
  });

  it("sends what an earlier visit of the page left, once, under its id", async () => {
    store.save("c", [{ clientMessageId: "left", text: "Hi", state: "sending" }]);
    await open();
    await pass();
    expect(hub.sent).toEqual([{ text: "Hi", clientMessageId: "left" }]);
  });
});
