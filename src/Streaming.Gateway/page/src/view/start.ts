import type { NewConversation } from "../contract.ts";
import { testIds } from "../testids.ts";
import { h } from "./dom.ts";
import { SettingsForm } from "./settings-form.ts";

interface Suggestion {
  readonly text: string;
  readonly endless: boolean;
}

const suggestions: readonly Suggestion[] = [
  { text: "Hello!", endless: false },
  { text: "Tell me a story about a dog.", endless: false },
  { text: "Tell me a story that never ends.", endless: true },
];

/** Where a new conversation begins: what this is, some beginnings, and the settings for those who want them. */
export class Start {
  readonly element: HTMLElement;
  readonly #settings = new SettingsForm();
  readonly #prompt: HTMLTextAreaElement;

  constructor(begin: (text: string) => void) {
    this.#prompt = h("textarea", {
      rows: 3,
      id: "system-prompt",
      testId: testIds.systemPrompt,
      placeholder: "Instructions that the conversation begins with",
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
          "The first tokens and the most recent ones stay in the model’s attention; what lies between is forgotten. So a reply can go on for as long as you like, at the same cost per word.",
        ),
        h(
          "ul",
          { class: "suggestions", attributes: { "aria-label": "Suggestions" } },
          ...suggestions.map(({ text, endless }) =>
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
                      if (endless) this.#settings.value = { ...this.#settings.value, maxTokens: 0, ignoreEos: true };
                      begin(text);
                    },
                  },
                },
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
              h("span", { class: "hint" }, "Kept in attention for ever, like the first tokens."),
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

  /** Begins with empty fields again. */
  reset(): void {
    this.#prompt.value = "";
    this.#settings.value = {};
  }
}
