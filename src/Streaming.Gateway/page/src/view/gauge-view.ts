import { bar, type Gauge } from "../conversation/gauge.ts";
import { testIds } from "../testids.ts";
import { h, setAttribute, setText } from "./dom.ts";

const number = new Intl.NumberFormat("en");
const count = (n: number, one: string, many = `${one}s`) => `${number.format(n)} ${n === 1 ? one : many}`;

/** The position in the stream and the tokens in attention: a thin bar with figures, and an explanation when it is opened. */
export class GaugeView {
  readonly element: HTMLDetailsElement;
  readonly #parts = {
    fixed: h("span", { class: "part fixed" }),
    forgotten: h("span", { class: "part forgotten" }),
    window: h("span", { class: "part window" }),
    free: h("span", { class: "part free" }),
  };
  readonly #position = h("span", { class: "figure" });
  readonly #forgotten = h("span", { class: "figure" });
  readonly #seen = h("span", { class: "figure wide" });
  readonly #words = {
    fixed: h("dd"),
    forgotten: h("dd"),
    window: h("dd"),
  };

  constructor() {
    this.element = h(
      "details",
      { class: "gauge", testId: testIds.position, hidden: true },
      h(
        "summary",
        { title: "What the model still sees" },
        h("span", { class: "bar", attributes: { "aria-hidden": "true" } }, ...Object.values(this.#parts)),
        h("span", { class: "figures" }, this.#position, this.#seen, this.#forgotten),
      ),
      h(
        "dl",
        { class: "legend" },
        h("dt", { class: "fixed" }, "Always seen"),
        this.#words.fixed,
        h("dt", { class: "forgotten" }, "Forgotten"),
        this.#words.forgotten,
        h("dt", { class: "window" }, "Window"),
        this.#words.window,
      ),
    );
  }

  render(gauge: Gauge | undefined): void {
    this.element.hidden = gauge === undefined;
    if (gauge === undefined) return;
    const { element } = this;
    for (const key of ["position", "sinks", "fixed", "window", "forgotten"] as const)
      setAttribute(element, `data-${key}`, `${gauge[key]}`);
    const widths = bar(gauge);
    for (const [name, part] of Object.entries(this.#parts))
      part.style.flexGrow = `${widths[name as keyof typeof widths]}`;
    setText(this.#position, count(gauge.position, "token"));
    setText(this.#seen, `${number.format(gauge.inFixed + gauge.inWindow)} in attention`);
    setText(this.#forgotten, gauge.forgotten === 0 ? "none forgotten" : `${number.format(gauge.forgotten)} forgotten`);
    setText(
      this.#words.fixed,
      gauge.fixed > gauge.sinks
        ? `The first ${count(gauge.fixed, "token")}: the system prompt, kept in attention like the ${count(gauge.sinks, "attention sink")}.`
        : `The first ${count(gauge.fixed, "token")}, the attention sinks.`,
    );
    setText(
      this.#words.forgotten,
      `${count(gauge.forgotten, "token")} in between. The model no longer sees them; you can still read them here.`,
    );
    setText(
      this.#words.window,
      `The most recent ${number.format(gauge.inWindow)} of at most ${count(gauge.window, "token")}.`,
    );
  }
}
