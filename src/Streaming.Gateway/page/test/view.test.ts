import { beforeEach, describe, expect, it } from "vitest";
import { ConversationState } from "../src/conversation/state.ts";
import { renderMarkdown, renderPlain } from "../src/text/markdown.ts";
import { sends } from "../src/view/composer.ts";
import { ConnectionView } from "../src/view/connection-view.ts";
import { morph } from "../src/view/dom.ts";
import { SettingsForm } from "../src/view/settings-form.ts";
import { Start } from "../src/view/start.ts";
import { TurnText } from "../src/view/turn-text.ts";
import type { Viewport } from "../src/view/viewport.ts";
import { conversation, event, item } from "./events.ts";
import { ScriptedHub } from "./fake.ts";

const html = (text: string) => {
  const element = document.createElement("div");
  element.append(renderMarkdown({ text, prefix: "" }));
  return element.innerHTML;
};

describe("The connection", () => {
  it("is not shown as live while the conversation is paused", () => {
    const hub = new ScriptedHub();
    const view = new ConnectionView(hub);
    const shown = () => [view.element.textContent, view.element.querySelector("button")?.dataset.state];
    expect(shown()).toEqual(["Live", "live"]);
    view.paused = "This conversation does not answer at the moment.";
    expect(shown()).toEqual(["Waiting", "waiting"]);
    expect(view.element.querySelector("button")?.title).toBe("This conversation does not answer at the moment.");
    hub.become("reconnecting");
    expect(shown()).toEqual(["Reconnecting", "reconnecting"]);
    hub.become("live");
    view.paused = undefined;
    expect(shown()).toEqual(["Live", "live"]);
  });
});

describe("A suggestion", () => {
  const begun: string[] = [];
  const start = new Start((text) => begun.push(text));
  const [chat, story, endless, assistant] = start.element.querySelectorAll<HTMLButtonElement>(".suggestions button");
  const prompt = start.element.querySelector<HTMLTextAreaElement>("#system-prompt");

  it("sets the system prompt of its kind", () => {
    const requests = [chat, story, endless, assistant].map((button) => {
      start.reset();
      button?.click();
      return start.request;
    });
    expect(requests.map((r) => r.systemPrompt)).toEqual([
      "You are a friendly chat model.",
      "You tell stories.",
      "You tell stories.",
      "You are a helpful assistant.",
    ]);
    expect(requests.map((r) => r.sampling?.ignoreEos)).toEqual([undefined, undefined, true, undefined]);
    expect(begun[1]).toBe("Tell me a story about a dog.");
  });

  it("keeps the user's own system prompt", () => {
    start.reset();
    if (prompt) prompt.value = "You are a pirate.";
    story?.click();
    expect(start.request.systemPrompt).toBe("You are a pirate.");
    start.reset();
    story?.click();
    chat?.click();
    expect(start.request.systemPrompt).toBe("You are a friendly chat model.");
  });
});

describe("Markdown", () => {
  it("is rendered", () => {
    expect(html("**a** *b* `c`")).toBe('<p dir="auto"><strong>a</strong> <em>b</em> <code>c</code></p>\n');
    expect(html("4. four\n5. five")).toContain('<ol start="4" dir="auto">');
    expect(html("one\ntwo")).toContain("one<br>two");
  });

  it.each([
    "<b>x</b>",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "a <iframe src='//x'></iframe>",
    "<svg/onload=alert(1)>",
    "<style>*{}</style>",
  ])("shows HTML as text: %s", (text) => {
    const element = document.createElement("div");
    element.append(renderMarkdown({ text, prefix: "" }));
    expect(element.textContent?.trim()).toBe(text);
    expect([...element.querySelectorAll("*")].map((one) => one.tagName).filter((tag) => tag !== "P")).toEqual([]);
  });

  it("opens links in a new tab, without a referrer", () => {
    const element = document.createElement("div");
    element.append(renderMarkdown({ text: "[x](https://example.org)", prefix: "" }));
    const link = element.querySelector("a");
    expect(link?.getAttribute("href")).toBe("https://example.org");
    expect([link?.getAttribute("target"), link?.getAttribute("rel")]).toEqual([
      "_blank",
      "noopener nofollow noreferrer",
    ]);
  });

  it.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "//evil.example",
  ])("does not link to %s", (address) => {
    expect(html(`[x](<${address}>)`)).not.toContain("href");
  });

  it("turns images into links", () => {
    expect(html("![cat](https://example.org/cat.png)")).toContain('<a href="https://example.org/cat.png"');
    expect(html("![cat](https://example.org/cat.png)")).not.toContain("<img");
  });

  it("continues a code fence that an earlier segment opened", () => {
    const element = document.createElement("div");
    element.append(renderMarkdown({ text: "*a*\n", prefix: "```js\n" }));
    expect(element.querySelector("pre code")?.textContent).toBe("*a*\n");
  });

  it("is not applied to the user's text", () => {
    const element = document.createElement("div");
    element.append(renderPlain({ text: "**a**\n<b>b</b>", prefix: "" }));
    expect([...element.children].map((line) => line.textContent)).toEqual(["**a**", "<b>b</b>"]);
    expect(element.querySelector("b")).toBeNull();
  });
});

describe("The direction of text", () => {
  const directions = (fragment: DocumentFragment) =>
    [...fragment.children].map((block) => `${block.tagName} ${block.getAttribute("dir")}`);

  it("is each block's own, and code has none", () => {
    const text = "Sure:\n\nمرحبا\n\n- واحد\n\n> اثنان\n\n## ثلاثة\n\n|a|\n|-|\n|b|\n\n```\nأربعة\n```\n";
    expect(directions(renderMarkdown({ text, prefix: "" }))).toEqual([
      "P auto",
      "P auto",
      "UL auto",
      "BLOCKQUOTE auto",
      "H2 auto",
      "TABLE auto",
      "PRE null",
    ]);
  });

  it("is each line's own in the user's text, and empty lines belong to the next one", () => {
    const lines = (text: string) => [...renderPlain({ text, prefix: "" }).children].map((line) => line.textContent);
    expect(lines("\n\nSure:\nمرحبا\n\n  x\n")).toEqual(["\n\nSure:", "مرحبا", "\n  x"]);
    expect(lines("x\n\n\n")).toEqual(["x", "\n\n"]);
    expect(lines("\n")).toEqual(["\n"]);
    const fragment = renderPlain({ text: "Sure:\nمرحبا", prefix: "" });
    expect(new Set(directions(fragment))).toEqual(new Set(["DIV auto"]));
    expect(renderPlain({ text: "", prefix: "" }).childNodes.length).toBe(0);
  });
});

describe("morph", () => {
  it("leaves equal leading nodes in place", () => {
    const target = document.createElement("div");
    morph(target, renderMarkdown({ text: "one\n\ntw", prefix: "" }));
    const first = target.firstElementChild;
    morph(target, renderMarkdown({ text: "one\n\ntwo\n\nthree", prefix: "" }));
    expect(target.firstElementChild).toBe(first);
    expect([...target.children].map((one) => one.textContent)).toEqual(["one", "two", "three"]);
  });
});

describe("The composer", () => {
  const key = { key: "Enter", shiftKey: false, altKey: false, isComposing: false, keyCode: 13 };
  it("sends with Enter, and not with Shift+Enter or another key", () => {
    expect(sends(key)).toBe(true);
    expect(sends({ ...key, shiftKey: true })).toBe(false);
    expect(sends({ ...key, key: "a" })).toBe(false);
  });

  it("does not send while a word is being composed", () => {
    expect(sends({ ...key, isComposing: true })).toBe(false);
    expect(sends({ ...key, keyCode: 229 })).toBe(false);
  });
});

describe("The settings", () => {
  it("make replies endless, and keep options without a field", () => {
    const form = new SettingsForm();
    form.value = { temperature: 0.5, seed: 7, topK: null, maxTokens: 0, ignoreEos: true };
    expect(form.value).toEqual({ temperature: 0.5, seed: 7, maxTokens: 0, ignoreEos: true });
    form.element.querySelector<HTMLInputElement>("[data-testid=endless]")?.click();
    expect(form.value).toEqual({ temperature: 0.5, seed: 7 });
  });
});

describe("The text of a turn", () => {
  /** The callbacks of stretches of text, by which the test moves them near or far away. */
  const near = new Map<Element, (near: boolean) => void>();
  const viewport = {
    observe: (element: Element, on: (near: boolean) => void) => near.set(element, on),
    unobserve: (element: Element) => near.delete(element),
  } as unknown as Viewport;
  const words = (n: number) =>
    Array.from({ length: n }, (_, i) => `Sentence number ${i}.${i % 5 === 4 ? "\n\n" : " "}`).join("");
  let state: ConversationState;

  beforeEach(() => {
    near.clear();
    document.body.replaceChildren();
    state = new ConversationState();
  });

  const shown = () => {
    const turn = state.turn(1);
    if (turn === undefined) throw new Error("The turn is missing.");
    const element = TurnText.create(turn, viewport);
    document.body.append(element);
    element.update();
    return element;
  };
  const bare = (text: string) => text.replace(/\s+/g, "");

  it("grows with the reply and changes only at its end", () => {
    state.load(conversation(), [item(1, "", 1)], undefined);
    const element = shown();
    const whole = words(400);
    let seq = 1;
    for (let i = 0; i < whole.length; i += 50) {
      state.apply(event("delta", ++seq, { turn: 1, text: whole.slice(i, i + 50) }));
      element.update();
    }
    expect(bare(element.textContent ?? "")).toBe(bare(whole));
    expect(element.sourceText).toBe(whole);
    const first = element.querySelector("p");
    state.apply(event("delta", ++seq, { turn: 1, text: "The end." }));
    element.update();
    expect(element.querySelector("p")).toBe(first);
  });

  it("is rendered only near the visible part", () => {
    const whole = words(2_000);
    state.load(conversation(), [item(1, whole, 1)], undefined);
    const element = shown();
    const filled = () => [...element.children].filter((one) => one.childNodes.length > 0).length;
    expect(element.children.length).toBeGreaterThan(10);
    expect(filled()).toBe(1);
    for (const on of near.values()) on(true);
    expect(filled()).toBe(element.children.length);
    expect(bare(element.textContent ?? "")).toBe(bare(whole));
    for (const on of near.values()) on(false);
    expect(filled()).toBe(1);
    expect(element.sourceText).toBe(whole);
  });

  it.each([3, 100, 5_000, 30_000])("joins an older piece of %i characters without a seam", (at) => {
    const whole = words(2_000);
    state.load(conversation(), [item(1, whole.slice(at), 9, { from: at })], 5);
    const element = shown();
    state.addOlder([item(1, whole.slice(0, at), 4)], null);
    element.update();
    for (const on of near.values()) on(true);
    expect(bare(element.textContent ?? "")).toBe(bare(whole));
    expect(
      [...element.querySelectorAll("p")].map((p) => p.textContent).filter((text) => !text?.trimEnd().endsWith(".")),
    ).toEqual([]);
    state.apply(event("delta", 10, { turn: 1, text: "The end." }));
    element.update();
    expect(bare(element.textContent ?? "")).toBe(bare(`${whole}The end.`));
    expect([element.sourceFrom, element.sourceText]).toEqual([0, `${whole}The end.`]);
  });
});
