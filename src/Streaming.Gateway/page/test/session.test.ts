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

describe("Opening a conversation", () => {
  it("watches after the last event of its history", async () => {
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

  it("reads history until it finds the running reply before the queued messages", async () => {
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

  it("shows the server's refusal", async () => {
    hub.info = async () => {
      throw new RefusedError("There is no such conversation; list yours, or create one.");
    };
    await open();
    expect(session.problem).toBe("There is no such conversation; list yours, or create one.");
    expect(hub.watches).toEqual([]);
  });

  it("is tried again when the server does not answer in time", async () => {
    const calls = vi.fn().mockRejectedValueOnce(new DisconnectedError("late")).mockResolvedValue(conversation());
    hub.info = calls;
    await open();
    expect(hub.watches).toEqual([]);
    await pass(300);
    expect(afters()).toEqual([0]);
  });
});

describe("Watching", () => {
  it("starts again after the last event when one is missing, and shows nothing twice", async () => {
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

  it("slows down when gaps repeat, and then reloads", async () => {
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

  it("continues after a lost connection without gap or repeat", async () => {
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

  it("starts again when the stream ends without an error", async () => {
    await open();
    hub.watches[0]?.observer.end();
    await pass(10_000);
    expect(afters()).toEqual([0, 0]);
  });

  it("reloads when the server has fewer events than the page", async () => {
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

  it("ends when the conversation no longer exists", async () => {
    await open();
    hub.info = async () => {
      throw new RefusedError("There is no such conversation.");
    };
    hub.watches[0]?.observer.end(new RefusedError("There is no such conversation."));
    await pass(10_000);
    expect(session.state.deleted).toBe(true);
  });

  it("leaves no watch, listener or timer after `dispose`", async () => {
    await open();
    hub.push(event("started", 1, { turn: 1 }));
    session.dispose();
    expect(hub.watches[0]?.stopped).toBe(true);
    expect(hub.listeners).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not start when the session is disposed while history is loading", async () => {
    session = new Session("c", hub, store, () => {});
    session.dispose();
    await pass(10_000);
    expect(hub.watches).toEqual([]);
  });
});

describe("Older history", () => {
  it("is loaded one page at a time", async () => {
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

  it("that is requested while the connection is lost is loaded once it is back", async () => {
    hub.pages = async (before) =>
      before === undefined ? { items: [item(2, "b", 2)], next: 2 } : { items: [item(1, "a", 1)] };
    await open();
    hub.become("reconnecting");
    const loading = session.loadOlder();
    await pass(10_000);
    expect([hub.asked, session.loadingOlder]).toEqual([[undefined], true]);
    hub.become("live");
    expect(await loading).toBe(true);
    expect(texts()).toEqual(["1:a", "2:b"]);
  });
});

describe("Sending", () => {
  it("shows the message until its turn arrives", async () => {
    await open();
    session.send("Hi");
    expect(session.outbox.shown.map((message) => message.text)).toEqual(["Hi"]);
    await pass();
    hub.push(event("message", 1, { turn: 1, author: "a", text: "Hi" }));
    expect(session.outbox.all).toEqual([]);
    expect(texts()).toEqual(["1:Hi"]);
  });

  it("is repeated with the same id when the connection was lost before the answer", async () => {
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

  it("keeps a refused message with the server's sentence, and retries with the same id", async () => {
    await open();
    hub.answer = async () => {
      throw new RefusedError("64 messages are queued already; wait for the reply.");
    };
    session.send("Hi");
    await pass();
    const [message] = session.outbox.all;
    expect(message).toMatchObject({ state: "failed", problem: "64 messages are queued already; wait for the reply." });
    hub.answer = async () => ({ turn: 1, seq: 1 });
    session.retry(message?.clientMessageId ?? "");
    await pass();
    expect(hub.sent[1]).toEqual(hub.sent[0]);
    expect(session.outbox.all[0]).toMatchObject({ state: "sending", turn: 1 });
  });

  it("sends messages that a reload has left, once and with their id", async () => {
    store.save("c", [{ clientMessageId: "left", text: "Hi", state: "sending" }]);
    await open();
    await pass();
    expect(hub.sent).toEqual([{ text: "Hi", clientMessageId: "left" }]);
  });
});
