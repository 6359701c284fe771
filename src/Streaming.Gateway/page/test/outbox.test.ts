import { describe, expect, it } from "vitest";
import { Outbox } from "../src/conversation/outbox.ts";

const shown = (outbox: Outbox) => outbox.shown.map((message) => `${message.clientMessageId}:${message.state}`);

describe("Outbox", () => {
  it("shows a message until its turn arrives after the answer", () => {
    const outbox = new Outbox();
    outbox.add("a", "Hi");
    outbox.sent("a", 1, false);
    expect(shown(outbox)).toEqual(["a:sending"]);
    outbox.arrived(1, "Hi");
    expect(outbox.all).toEqual([]);
  });

  it("shows a message once when its turn arrives before the answer", () => {
    const outbox = new Outbox();
    outbox.add("a", "Hi");
    outbox.arrived(1, "Hi");
    expect(shown(outbox)).toEqual([]);
    outbox.sent("a", 1, true);
    expect(outbox.all).toEqual([]);
  });

  it("shows a message again when the turn with the same text was another one", () => {
    const outbox = new Outbox();
    outbox.add("a", "Hi");
    outbox.arrived(1, "Hi");
    outbox.sent("a", 2, false);
    expect(shown(outbox)).toEqual(["a:sending"]);
    outbox.arrived(2, "Hi");
    expect(outbox.all).toEqual([]);
  });

  it("matches one of two messages with the same text to a turn", () => {
    const outbox = new Outbox();
    outbox.add("a", "Hi");
    outbox.add("b", "Hi");
    outbox.arrived(1, "Hi");
    expect(shown(outbox)).toEqual(["b:sending"]);
  });

  it("keeps a refused message with its sentence and its id", () => {
    const outbox = new Outbox();
    outbox.add("a", "Hi");
    outbox.failed("a", "Too many messages are queued.");
    expect(outbox.shown[0]).toEqual({
      clientMessageId: "a",
      text: "Hi",
      state: "failed",
      problem: "Too many messages are queued.",
    });
    outbox.arrived(1, "Hi");
    expect(shown(outbox)).toEqual(["a:failed"]);
    outbox.retry("a");
    expect(outbox.shown[0]).toEqual({ clientMessageId: "a", text: "Hi", state: "sending" });
  });
});
