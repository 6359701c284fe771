import type { NewConversation } from "../contract.ts";
import { testIds } from "../testids.ts";
import { h } from "./dom.ts";
import { SettingsForm } from "./settings-form.ts";

/** A suggested conversation: its kind, which selects the system prompt, and its first message. */
interface Suggestion {
  readonly kind: "Chat" | "Story" | "Assistant";
  readonly text: string;
  readonly endless?: true;
}

/** The embedded model was trained with exactly these; other models understand them too. */
const systemPrompts = {
  Chat: "You are a friendly chat model.",
  Story: "You tell stories.",
  Assistant: "You are a helpful assistant.",
} as const;

const suggestions: readonly Suggestion[] = [
  { kind: "Chat", text: "Hello!" },
  { kind: "Story", text: "Tell me a story about a dog." },
  { kind: "Story", text: "Tell me a story that never ends.", endless: true },
  { kind: "Assistant", text: "Can you help me to find a restaurant?" },
];

/** The system prompt of a suggestion, unless the user has written one. */
function systemPromptFor(kind: Suggestion["kind"], written: string): string {
  const isOwn = written.trim() !== "" && !Object.values<string>(systemPrompts).includes(written);
  return isOwn ? written : systemPrompts[kind];
}

/** The start of a new conversation: an introduction, suggestions and settings. */
export class Start {
  readonly element: HTMLElement;
  readonly #settings = new SettingsForm();
  readonly #prompt: HTMLTextAreaElement;

  constructor(begin: (text: string) => void) {
    this.#prompt = h("textarea", {
      rows: 3,
      id: "system-prompt",
      testId: testIds.systemPrompt,
      placeholder: "Instructions for the model",
      dir: "auto",
    });
    this.element = h(
      "section",
      { class: "start", testId: testIds.start },
      h(
        "div",
        { class: "start-inner" },
        h("h2", {}, "A conversation that never ends"),
        h(
          "p",
          { class: "lead" },
          "The model keeps the first and the most recent tokens in its attention and forgets those in between. " +
            "So a reply can go on for as long as you like, and each word costs the same.",
        ),
        h(
          "ul",
          { class: "suggestions", attributes: { "aria-label": "Suggestions" } },
          ...suggestions.map(({ kind, text, endless }) =>
            h(
              "li",
              {},
              h(
                "button",
                {
                  type: "button",
                  testId: testIds.suggestion,
                  on: {
                    click: () => {
                      this.#prompt.value = systemPromptFor(kind, this.#prompt.value);
                      if (endless) this.#settings.value = { ...this.#settings.value, maxTokens: 0, ignoreEos: true };
                      begin(text);
                    },
                  },
                },
                h("span", { class: "kind" }, kind),
                text,
                endless ? h("span", { class: "tag" }, "endless") : undefined,
              ),
            ),
          ),
        ),
        h(
          "details",
          { class: "settings", testId: testIds.settings },
          h("summary", {}, "Settings"),
          h(
            "div",
            { class: "settings-body" },
            h(
              "div",
              { class: "number" },
              h("label", { class: "label", htmlFor: "system-prompt" }, "System prompt"),
              this.#prompt,
              h("span", { class: "hint" }, "Always kept in attention, like the first tokens."),
            ),
            this.#settings.element,
          ),
        ),
      ),
    );
  }

  get problem(): string | undefined {
    return this.#settings.problem;
  }

  get request(): NewConversation {
    const systemPrompt = this.#prompt.value.trim();
    return { ...(systemPrompt === "" ? {} : { systemPrompt }), sampling: this.#settings.value };
  }

  /** Clears all fields. */
  reset(): void {
    this.#prompt.value = "";
    this.#settings.value = {};
  }
}
