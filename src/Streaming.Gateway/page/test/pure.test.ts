import { describe, expect, it } from "vitest";
import { BrowserStore } from "../src/browser-store.ts";
import { bar, gaugeOf } from "../src/conversation/gauge.ts";
import { backoff } from "../src/hub/backoff.ts";
import { DisconnectedError, RefusedError } from "../src/hub/chat-hub.ts";
import { refusalOf, sentenceOf } from "../src/hub/signalr-hub.ts";
import { relativeTime } from "../src/relative-time.ts";
import { hashOf, routeOf } from "../src/routes.ts";

describe("gauge", () => {
  const sizes = { sinks: 4, fixed: 4, window: 508 };
  it.each([
    [0, { inFixed: 0, inWindow: 0, forgotten: 0 }],
    [3, { inFixed: 3, inWindow: 0, forgotten: 0 }],
    [512, { inFixed: 4, inWindow: 508, forgotten: 0 }],
    [513, { inFixed: 4, inWindow: 508, forgotten: 1 }],
    [1_000_000, { inFixed: 4, inWindow: 508, forgotten: 999_488 }],
  ])("at position %i", (position, parts) => {
    expect(gaugeOf(sizes, position)).toMatchObject({ position, ...parts });
  });

  it.each([0, 3, 300, 512, 513, 10_000, 1e9])("has a bar that shows every part at position %i", (position) => {
    const gauge = gaugeOf(sizes, position);
    const widths = bar(gauge);
    expect(widths.fixed + widths.forgotten + widths.window + widths.free).toBeCloseTo(1);
    expect(widths.fixed).toBeGreaterThanOrEqual(0.03);
    expect(widths.free).toBeCloseTo(gauge.inWindow === 508 ? 0 : widths.free);
    if (gauge.forgotten > 0) expect(Math.min(widths.forgotten, widths.window)).toBeGreaterThan(0.03);
  });
});

describe("routes", () => {
  it("recognise the address of a conversation and nothing else", () => {
    expect(routeOf("#/c/AbC-_9")).toEqual({ view: "conversation", id: "AbC-_9" });
    for (const hash of ["", "#/", "#/c/", "#/c/a/b", "#/c/%3Cscript%3E"])
      expect(routeOf(hash)).toEqual({ view: "start" });
    expect(routeOf(hashOf({ view: "conversation", id: "x" }))).toEqual({ view: "conversation", id: "x" });
  });
});

describe("backoff", () => {
  it("doubles up to ten seconds", () => {
    expect([0, 1, 2, 3, 10, 1e6].map((n) => backoff(n, () => 0))).toEqual([250, 500, 1000, 2000, 10_000, 10_000]);
    expect(backoff(3, () => 1)).toBe(1600);
  });
});

describe("refusals", () => {
  it("are the server's sentence alone", () => {
    const wrapped = new Error(
      "An unexpected error occurred invoking 'Send' on the server. HubException: It is empty; write something.",
    );
    expect(sentenceOf(wrapped)).toBe("It is empty; write something.");
    expect(sentenceOf(new Error("Plain."))).toBe("Plain.");
  });

  it("shows a refusal of the sign-in, and waits for a server that is starting", async () => {
    const answer = (status: number, body: string) => refusalOf(new Response(body, { status }));
    const sentence = "Too many guests from this address: try again in a minute.";
    const refused = await answer(429, JSON.stringify({ error: { message: sentence } }));
    expect(refused).toBeInstanceOf(RefusedError);
    expect(refused.message).toBe(sentence);
    expect(await answer(503, JSON.stringify({ error: { message: "Starting." } }))).toBeInstanceOf(DisconnectedError);
    expect(await answer(404, "<html>")).toBeInstanceOf(DisconnectedError);
  });
});

describe("relativeTime", () => {
  const now = new Date(2026, 2, 10, 15, 0);
  it.each([
    [new Date(2026, 2, 10, 14, 59, 30), "now"],
    [new Date(2026, 2, 10, 14, 55), "5m ago"],
    [new Date(2026, 2, 10, 12, 0), "3h ago"],
    [new Date(2026, 2, 9, 23, 0), "yesterday"],
    [new Date(2026, 1, 1), "Feb 1"],
    [new Date(2025, 1, 1), "Feb 1, 2025"],
  ])("%s is %s", (then, text) => expect(relativeTime(then, now)).toBe(text));
});

describe("BrowserStore", () => {
  it("restores unsent messages without guesses about their turns", () => {
    const store = new BrowserStore(sessionStorage);
    store.save("c", [{ clientMessageId: "a", text: "Hi", state: "sending", seen: 4 }]);
    expect(store.load("c")).toEqual([{ clientMessageId: "a", text: "Hi", state: "sending" }]);
    store.save("c", []);
    expect(store.load("c")).toEqual([]);
    expect(sessionStorage.length).toBe(0);
  });
});
