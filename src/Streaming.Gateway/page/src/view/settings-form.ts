import type { Sampling } from "../contract.ts";
import { type TestId, testIds } from "../testids.ts";
import { h } from "./dom.ts";

interface NumberField {
  readonly label: string;
  readonly hint: string;
  readonly min: number;
  readonly max?: number;
  readonly step: number | "any";
  readonly range: string;
  readonly testId: TestId;
}

const fields: Record<"temperature" | "topP" | "maxTokens", NumberField> = {
  temperature: {
    label: "Temperature",
    hint: "0 always picks the most likely token",
    min: 0,
    max: 100,
    step: "any",
    range: "a number from 0 to 100",
    testId: testIds.temperature,
  },
  topP: {
    label: "Top-p",
    hint: "above 0, at most 1",
    min: 0,
    max: 1,
    step: "any",
    range: "a number above 0, at most 1",
    testId: testIds.topP,
  },
  maxTokens: {
    label: "Max tokens per reply",
    hint: "0 means no limit",
    min: 0,
    step: 1,
    range: "a whole number, 0 or more",
    testId: testIds.maxTokens,
  },
};

let counter = 0;

/** How replies are sampled. An empty field means the model's or the service's default. */
export class SettingsForm {
  readonly element: HTMLElement;
  readonly #inputs: Record<keyof typeof fields, HTMLInputElement>;
  readonly #endless: HTMLInputElement;
  #rest: Sampling = {};

  constructor() {
    const id = counter++;
    const entries = Object.entries(fields).map(([name, field]) => {
      const input = h("input", {
        type: "number",
        id: `${name}-${id}`,
        min: `${field.min}`,
        ...(field.max === undefined ? {} : { max: `${field.max}` }),
        step: `${field.step}`,
        placeholder: "default",
        inputMode: "decimal",
        testId: field.testId,
        attributes: { "aria-describedby": `${name}-hint-${id}` },
      });
      return [name, input] as const;
    });
    this.#inputs = Object.fromEntries(entries) as Record<keyof typeof fields, HTMLInputElement>;
    this.#endless = h("input", {
      type: "checkbox",
      id: `endless-${id}`,
      testId: testIds.endless,
      attributes: { role: "switch" },
      on: { change: () => this.#refresh() },
    });
    this.element = h(
      "div",
      { class: "sampling" },
      h(
        "label",
        { class: "switch" },
        this.#endless,
        h(
          "span",
          {},
          h("span", { class: "label" }, "Endless replies"),
          h("span", { class: "hint" }, "A reply goes on until you stop it or send a message."),
        ),
      ),
      h(
        "div",
        { class: "numbers" },
        ...entries.map(([name, input]) => {
          const field = fields[name as keyof typeof fields];
          return h(
            "div",
            { class: "number" },
            h("label", { class: "label", htmlFor: input.id }, field.label),
            input,
            h("span", { class: "hint", id: `${name}-hint-${id}` }, field.hint),
          );
        }),
      ),
    );
  }

  /** What is wrong with the values, in one sentence; undefined when nothing is. */
  get problem(): string | undefined {
    for (const [name, input] of Object.entries(this.#inputs)) {
      const { label, range } = fields[name as keyof typeof fields];
      const wrong = !input.validity.valid || (name === "topP" && input.value !== "" && Number(input.value) <= 0);
      if (wrong) return `${label} must be ${range}.`;
    }
    return undefined;
  }

  get value(): Sampling {
    const sampling: Sampling = { ...this.#rest };
    for (const name of Object.keys(fields) as (keyof typeof fields)[]) {
      const text = this.#inputs[name].value;
      if (text === "") delete sampling[name];
      else sampling[name] = Number(text);
    }
    if (this.#endless.checked) Object.assign(sampling, { maxTokens: 0, ignoreEos: true });
    else delete sampling.ignoreEos;
    return sampling;
  }

  set value(sampling: Sampling) {
    // Options without a field here keep their values.
    this.#rest = Object.fromEntries(Object.entries(sampling).filter(([, value]) => value != null));
    this.#endless.checked = sampling.maxTokens === 0 && sampling.ignoreEos === true;
    for (const name of Object.keys(fields) as (keyof typeof fields)[]) {
      const value = sampling[name];
      this.#inputs[name].value = value == null || (name === "maxTokens" && this.#endless.checked) ? "" : `${value}`;
    }
    this.#refresh();
  }

  #refresh(): void {
    this.#inputs.maxTokens.disabled = this.#endless.checked;
  }
}
