import type { Turn } from "../conversation/state.ts";
import { testIds } from "../testids.ts";
import { h, setAttribute } from "./dom.ts";
import { icon } from "./icons.ts";
import { TurnText } from "./turn-text.ts";
import type { Viewport } from "./viewport.ts";

/** The labels of finish reasons other than `stop`. */
const endings: Record<string, string> = {
  length: "Token limit reached",
  stopped: "Stopped",
  interrupted: "Interrupted by your message",
  failed: "The reply failed",
};

/** A longer message of the user is folded. UTF-16 units, lines. */
const foldedLength = 2_400;
const foldedLines = 24;

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** One turn in the transcript. */
export class TurnView {
  readonly element: HTMLElement;
  readonly #text: TurnText;
  readonly #footer: HTMLElement;
  #version = -1;

  constructor(
    readonly turn: Turn,
    viewport: Viewport,
  ) {
    this.#text = TurnText.create(turn, viewport);
    this.#footer = h("footer", { class: "turn-footer" });
    const who = turn.by === "model" ? "Reply" : "You";
    this.element = h(
      "article",
      {
        class: `turn ${turn.by}`,
        testId: testIds.turn,
        attributes: { "aria-label": who, "data-turn": `${turn.number}`, "data-author": turn.by },
      },
      h("h3", { class: "visually-hidden" }, who),
      this.#text,
      this.#footer,
    );
    if (turn.by === "person") this.#fold();
  }

  /** Draws the turn if it has changed. */
  update(running: boolean): void {
    if (this.#version === this.turn.version) return;
    this.#version = this.turn.version;
    this.#text.update();
    setAttribute(this.element, "data-state", running ? "running" : "done");
    setAttribute(this.element, "aria-busy", running ? "true" : undefined);
    setAttribute(this.element, "data-finish-reason", this.turn.finishReason);
    if (running) this.#footer.replaceChildren();
    else if (this.#footer.childElementCount === 0) this.#foot();
  }

  remove(): void {
    this.#text.clear();
    this.element.remove();
  }

  #foot(): void {
    const ending = endings[this.turn.finishReason ?? ""];
    if (ending !== undefined)
      this.#footer.append(h("span", { class: `ending ${this.turn.finishReason}`, testId: testIds.turnStatus }, ending));
    const at = new Date(this.turn.at);
    if (!Number.isNaN(at.valueOf()))
      this.#footer.append(h("time", { class: "at", dateTime: this.turn.at }, exact.format(at)));
    if (this.turn.by === "model" && this.turn.text.length > 0) this.#footer.append(this.#copyButton());
  }

  #copyButton(): HTMLButtonElement {
    const button = h(
      "button",
      { class: "quiet icon-only", type: "button", title: "Copy", attributes: { "aria-label": "Copy reply" } },
      icon("copy"),
    );
    button.addEventListener("click", async () => {
      // The clipboard exists in secure contexts only; elsewhere the user can select the text.
      await navigator.clipboard?.writeText(this.#text.sourceText);
      button.replaceChildren(icon("check"));
      setTimeout(() => button.replaceChildren(icon("copy")), 1_500);
    });
    return button;
  }

  #fold(): void {
    const text = this.turn.text;
    if (text.length <= foldedLength && text.toString().split("\n").length <= foldedLines) return;
    this.element.classList.add("folded");
    const button = h(
      "button",
      { class: "quiet", type: "button", attributes: { "aria-expanded": "false" } },
      "Show all",
    );
    button.addEventListener("click", () => {
      const folded = this.element.classList.toggle("folded");
      button.textContent = folded ? "Show all" : "Show less";
      button.setAttribute("aria-expanded", `${!folded}`);
    });
    this.#text.after(button);
  }
}
