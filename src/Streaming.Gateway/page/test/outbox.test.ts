import { describe, expect, it } from "vitest";
import { Outbox } from "../src/conversation/outbox.ts";

const shown = (outbox: Outbox) => outbox.shown.map((message) => `${message.clientMessageId}:${message.state}`);

describe("Outbox", () => {
  it("shows a message until its turn appears, when the answer comes first", () => {
    const outbox = new Outbox();
    outbox.add("a", "Hi");
    outbox.sent("a", 1, false);
    expect(shown(outbox)).toEqual(["a:sending"]);
    outbox.arrived(1, "Hi");
    expect(outbox.all).toEqual([]);
  });

  it("shows a message once when its turn appears before the answer", () => {
    const outbox = new Outbox();
    outbox.add("a", "Hi");
    outbox.arrived(1, "Hi");
    expect(shown(outbox)).toEqual([]);
    outbox.sent("a", 1, true);
    expect(outbox.all).toEqual([]);
  });

  it("shows a message again when the turn that looked like it was somebody else's", () => {
    const outbox = new Outbox();
    outbox.add("a", "Hi");
    outbox.arrived(1, "Hi");
    outbox.sent("a", 2, false);
    expect(shown(outbox)).toEqual(["a:sending"]);
    outbox.arrived(2, "Hi");
    expect(outbox.all).toEqual([]);
  });

  it("takes one of two messages with the same text for one turn", () => {
    const outbox = new Outbox();
    outbox.add("a", "Hi");
    outbox.add("b", "Hi");
    outbox.arrived(1, "Hi");
    expect(shown(outbox)).toEqual(["b:sending"]);
  });

  it("keeps a refused message with its sentence, and its id for another try", () => {
    const outbox = new Outbox();
    outbox.add("a", "Hi");
    outbox.failed("a", "Too many messages wait.");
    expect(outbox.shown[0]).toEqual({
      clientMessageId: "a",
      text: "Hi",
      state: "failed",
      problem: "Too many messages wait.",
    });
    outbox.arrived(1, "Hi");
    expect(shown(outbox)).toEqual(["a:failed"]);
    outbox.retry("a");
    expect(outbox.shown[0]).toEqual({ clientMessageId: "a", text: "Hi", state: "sending" });
  });
});
