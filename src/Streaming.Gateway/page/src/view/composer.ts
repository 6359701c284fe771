import { limits } from "../contract.ts";
import { testIds } from "../testids.ts";
import { h } from "./dom.ts";
import { icon } from "./icons.ts";

export interface ComposerEvents {
  send(text: string): void;
  stop(): void;
  /** The text has changed: keep it as the draft. */
  draft(text: string): void;
}

const encoder = new TextEncoder();

/** The input for messages. Enter sends and Shift+Enter starts a new line; Enter that ends the composition of a word does neither. */
export class Composer {
  readonly element: HTMLFormElement;
  readonly #input: HTMLTextAreaElement;
  readonly #send: HTMLButtonElement;
  readonly #stop: HTMLButtonElement;
  readonly #problem: HTMLElement;
  #enabled = true;
  #stopping = false;

  constructor(private readonly events: ComposerEvents) {
    this.#input = h("textarea", {
      rows: 1,
      testId: testIds.composer,
      placeholder: "Write a message",
      enterKeyHint: "send",
      autocomplete: "off",
      dir: "auto",
      attributes: { "aria-label": "Message", "aria-describedby": "composer-problem" },
      on: {
        input: () => this.#changed(),
        keydown: (event) => {
          if (!sends(event)) return;
          event.preventDefault();
          this.#submit();
        },
      },
    });
    this.#send = h(
      "button",
      {
        class: "round primary",
        type: "submit",
        testId: testIds.send,
        title: "Send",
        attributes: { "aria-label": "Send" },
      },
      icon("send"),
    );
    this.#stop = h(
      "button",
      {
        class: "round",
        type: "button",
        testId: testIds.stop,
        title: "Stop generating",
        hidden: true,
        attributes: { "aria-label": "Stop generating" },
        on: { click: () => this.#stopNow() },
      },
      icon("stop"),
    );
    this.#problem = h("p", {
      class: "problem",
      id: "composer-problem",
      testId: testIds.problem,
      hidden: true,
      attributes: { role: "alert" },
    });
    this.element = h(
      "form",
      {
        class: "composer",
        on: {
          submit: (event) => {
            event.preventDefault();
            this.#submit();
          },
        },
      },
      this.#problem,
      h("div", { class: "field" }, this.#input, this.#stop, this.#send),
    );
    this.#refresh();
  }

  get text(): string {
    return this.#input.value;
  }

  set text(text: string) {
    this.#input.value = text;
    this.#changed();
  }

  set enabled(enabled: boolean) {
    this.#enabled = enabled;
    this.#refresh();
  }

  set running(running: boolean) {
    if (!running) this.#stopping = false;
    this.#stop.hidden = !running;
    this.#stop.disabled = this.#stopping;
  }

  get problem(): string | undefined {
    return this.#problem.hidden ? undefined : (this.#problem.textContent ?? "");
  }

  /** One sentence for the user, until the text changes. */
  set problem(sentence: string | undefined) {
    this.#problem.textContent = sentence ?? "";
    this.#problem.hidden = sentence === undefined;
    if (sentence !== undefined) this.#stopping = false;
  }

  focus(): void {
    this.#input.focus();
  }

  #stopNow(): void {
    this.#stopping = true;
    this.#stop.disabled = true;
    this.events.stop();
  }

  #submit(): void {
    const text = this.#input.value;
    if (text.trim() === "" || !this.#enabled) return;
    if (encoder.encode(text).length > limits.messageBytes) {
      this.problem = "The message is longer than 1 MiB: shorten it, or send it in parts.";
      return;
    }
    this.#input.value = "";
    this.#changed();
    this.events.send(text);
  }

  #changed(): void {
    this.problem = undefined;
    this.events.draft(this.#input.value);
    this.#refresh();
    // Grows with its text; the style sheet sets the limit.
    this.#input.style.height = "auto";
    if (this.#input.scrollHeight > 0) this.#input.style.height = `${this.#input.scrollHeight}px`;
  }

  #refresh(): void {
    this.#send.disabled = !this.#enabled || this.#input.value.trim() === "";
    this.#input.disabled = !this.#enabled;
  }
}

/** Whether a key press sends the message. While a word is being composed (keyCode 229 in some browsers), Enter ends the word. */
export function sends(event: Pick<KeyboardEvent, "key" | "shiftKey" | "isComposing" | "keyCode" | "altKey">): boolean {
  return event.key === "Enter" && !event.shiftKey && !event.altKey && !event.isComposing && event.keyCode !== 229;
}
