import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BrowserStore } from "../src/browser-store.ts";
import { DisconnectedError, RefusedError } from "../src/hub/chat-hub.ts";
import { App } from "../src/view/app.ts";
import { conversation } from "./events.ts";
import { ScriptedHub } from "./fake.ts";

let hub: ScriptedHub;
let app: App;
let created: number;
const listen = addEventListener;
const listeners: [string, EventListener][] = [];
const find = <E extends HTMLElement>(id: string) => app.element.querySelector<E>(`[data-testid=${id}]`) as E;
const problem = () => (find("problem").hidden ? undefined : find("problem").textContent);
const pass = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

/** jsdom has no layout: nothing is observed, and no pointer hovers. */
class Observer {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("IntersectionObserver", Observer);
  vi.stubGlobal("ResizeObserver", Observer);
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
  sessionStorage.clear();
  history.replaceState(null, "", "#/");
  vi.stubGlobal("addEventListener", (type: string, listener: EventListener) => {
    listeners.push([type, listener]);
    listen(type, listener);
  });
  created = 0;
  hub = new ScriptedHub();
  hub.createConversation = async () => {
    created++;
    return conversation();
  };
});

afterEach(() => {
  for (const [type, listener] of listeners.splice(0)) removeEventListener(type, listener);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const open = (state: ScriptedHub["state"]) => {
  hub.state = state;
  app = new App(hub, new BrowserStore());
};

describe("A suggestion", () => {
  it("that is clicked before the connection is there starts the conversation once it is", async () => {
    open("connecting");
    find<HTMLButtonElement>("suggestion").click();
    await pass(60_000);
    expect([created, problem()]).toEqual([0, "Waiting for the connection …"]);
    hub.become("live");
    await pass(1_000);
    expect([created, location.hash, hub.sent.map((one) => one.text), problem()]).toEqual([
      1,
      "#/c/c",
      ["Hello!"],
      undefined,
    ]);
  });

  it("starts the conversation although the server fails at first", async () => {
    open("live");
    const answers = [new DisconnectedError("The service could not do this now: try again in a moment."), undefined];
    hub.createConversation = async () => {
      const failure = answers[created++];
      if (failure !== undefined) throw failure;
      return conversation();
    };
    find<HTMLButtonElement>("suggestion").click();
    await pass(1_000);
    expect([created, location.hash, hub.sent.length, problem()]).toEqual([2, "#/c/c", 1, undefined]);
  });

  it("returns the message to the composer when the server refuses the conversation", async () => {
    open("live");
    hub.createConversation = async () => {
      throw new RefusedError("The system prompt is too long.");
    };
    find<HTMLButtonElement>("suggestion").click();
    await pass(1_000);
    expect([find<HTMLTextAreaElement>("composer").value, problem(), location.hash]).toEqual([
      "Hello!",
      "The system prompt is too long.",
      "#/",
    ]);
  });
});

describe("Stop", () => {
  it("that is clicked while the connection is lost stops the reply once it is back", async () => {
    const stopped: (number | undefined)[] = [];
    hub.stop = async (_id: string, turn?: number) => void stopped.push(turn);
    hub.info = async () => conversation({ running: 2 });
    open("live");
    location.hash = "#/c/c";
    await pass(1_000);
    hub.become("reconnecting");
    find<HTMLButtonElement>("stop").click();
    await pass(1_000);
    expect(stopped).toEqual([]);
    hub.become("live");
    await pass(1_000);
    expect(stopped).toEqual([2]);
  });
});
