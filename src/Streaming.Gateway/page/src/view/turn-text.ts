import type { Turn } from "../conversation/state.ts";
import { testIds } from "../testids.ts";
import { renderMarkdown, renderPlain } from "../text/markdown.ts";
import { type Segment, Segmenter } from "../text/segments.ts";
import { h, morph } from "./dom.ts";
import type { Viewport } from "./viewport.ts";

interface Stretch {
  readonly element: HTMLElement;
  segment: Segment;
  rendered: boolean;
}

/**
 * The text of a turn, of any length. It is rendered in segments, of which only the last one changes. Segments have content only
 * while they are near the visible part.
 */
export class TurnText extends HTMLElement {
  #turn!: Turn;
  #viewport!: Viewport;
  #render!: (segment: Segment) => DocumentFragment;
  #segmenter = new Segmenter();
  #stretches: Stretch[] = [];
  /** Stretches whose segment does not change any more. */
  readonly #closed = new WeakSet<Stretch>();
  /** About how many characters fit in a line. */
  #perLine = 80;
  /** The text shown starts at `#from` in the turn and has `#length` UTF-16 units. */
  #from = 0;
  #length = 0;

  static create(turn: Turn, viewport: Viewport): TurnText {
    const element = document.createElement("turn-text") as TurnText;
    element.dataset.testid = testIds.turnText;
    element.className = turn.by === "model" ? "prose" : "plain";
    element.#turn = turn;
    element.#viewport = viewport;
    element.#render = turn.by === "model" ? renderMarkdown : renderPlain;
    element.#from = turn.from;
    return element;
  }

  /** The whole text as it was received, from `sourceFrom` on. */
  get sourceText(): string {
    return this.#turn.text.toString();
  }

  get sourceFrom(): number {
    return this.#turn.from;
  }

  /** Shows the text that has arrived since the last call. */
  update(): void {
    const { text, from } = this.#turn;
    if (from < this.#from) this.#prepend(text.toString().slice(0, this.#from - from));
    const fresh = text.from(this.#length);
    if (fresh === "" && this.#stretches.length > 0) return;
    this.#length += fresh.length;
    this.#perLine = Math.max(20, (this.clientWidth || 640) / 7.6);
    const before = this.#segmenter.closed.length;
    this.#segmenter.append(fresh);
    const closed = this.#segmenter.closed.slice(before);
    for (const segment of closed) this.#last(segment, true);
    this.#last(this.#segmenter.open, false);
  }

  clear(): void {
    for (const { element } of this.#stretches) this.#viewport.unobserve(element);
  }

  /** Puts the segment into the last stretch; after a closed stretch, into a new one. */
  #last(segment: Segment, closed: boolean): void {
    let stretch = this.#stretches.at(-1);
    if (stretch === undefined || this.#closed.has(stretch)) {
      stretch = this.#make(segment);
      this.#stretches.push(stretch);
      this.append(stretch.element);
    }
    stretch.segment = segment;
    if (closed) this.#closed.add(stretch);
    // History brings long texts at once: a closed segment is rendered when it comes near the visible part.
    if (!closed || stretch.rendered) this.#show(stretch);
    else this.#reserve(stretch);
  }

  #make(segment: Segment): Stretch {
    const stretch: Stretch = { element: h("div", { class: "segment" }), segment, rendered: false };
    this.#viewport.observe(stretch.element, (near) => {
      if (near === stretch.rendered) return;
      if (near) this.#show(stretch);
      else if (this.#closed.has(stretch)) this.#hide(stretch);
    });
    return stretch;
  }

  #show(stretch: Stretch): void {
    morph(stretch.element, this.#render(stretch.segment));
    stretch.element.style.height = "";
    // A segment that ends inside a paragraph has no gap after it.
    stretch.element.classList.toggle("unbroken", this.#closed.has(stretch) && !stretch.segment.text.endsWith("\n"));
    stretch.rendered = true;
  }

  #hide(stretch: Stretch): void {
    stretch.element.style.height = `${stretch.element.getBoundingClientRect().height}px`;
    stretch.element.replaceChildren();
    stretch.rendered = false;
  }

  /** Reserves about the height of the text; rendering corrects it. */
  #reserve(stretch: Stretch): void {
    const lines = stretch.segment.text.split("\n").map((line) => Math.max(1, Math.ceil(line.length / this.#perLine)));
    stretch.element.style.height = `${lines.reduce((sum, count) => sum + count, 0) * 26}px`;
  }

  /** Adds older text before the first stretch, which is segmented again together with it. */
  #prepend(older: string): void {
    this.#from = this.#turn.from;
    const [first, second] = this.#stretches;
    const seam = new Segmenter();
    if (first !== undefined) seam.append(older + first.segment.text);
    // A short text is rendered from scratch, and so is one whose older part ends inside code that was not known to be code.
    if (first === undefined || second === undefined || seam.fence !== second.segment.prefix) {
      this.clear();
      this.replaceChildren();
      this.#stretches = [];
      this.#segmenter = new Segmenter();
      this.#length = 0;
      return;
    }
    this.#length += older.length;
    this.#viewport.unobserve(first.element);
    first.element.remove();
    const stretches = [...seam.closed, seam.open]
      .filter((segment) => segment.text !== "")
      .map((segment) => {
        const stretch = this.#make(segment);
        this.#closed.add(stretch);
        second.element.before(stretch.element);
        this.#reserve(stretch);
        return stretch;
      });
    // The reader may be looking at the last of them, so it gets its true height at once.
    const last = stretches.at(-1);
    if (last !== undefined) this.#show(last);
    this.#stretches.splice(0, 1, ...stretches);
  }
}

customElements.define("turn-text", TurnText);
