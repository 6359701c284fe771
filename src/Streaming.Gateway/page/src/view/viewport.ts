/** Pixels from the bottom within which a reader counts as being at the bottom. */
const nearBottom = 48;

/** Pixels from the top at which older history is asked for. */
const nearTop = 900;

/** What is further than this from the visible part has no content. */
const margin = "1600px 0px";

/**
 * The scrolled part of a transcript: stays at the bottom while the reader is there, keeps the place when something above
 * changes (the browsers differ in that, so their own anchoring is off), and tells stretches of text when they come near.
 */
export class Viewport {
  /** The reader is at the bottom, and what arrives keeps them there. */
  atBottom = true;

  readonly #observer: IntersectionObserver;
  readonly #resize: ResizeObserver;
  readonly #stretches = new WeakMap<Element, (near: boolean) => void>();
  #lastTop = 0;

  constructor(
    readonly scroller: HTMLElement,
    readonly content: HTMLElement,
    private readonly onMove: () => void,
    private readonly onNearTop: () => void,
  ) {
    this.#observer = new IntersectionObserver(
      (entries) =>
        this.keepPlace(() => {
          for (const entry of entries) this.#stretches.get(entry.target)?.(entry.isIntersecting);
        }),
      { root: scroller, rootMargin: margin },
    );
    this.#resize = new ResizeObserver(() => {
      if (this.atBottom) this.toBottom();
    });
    this.#resize.observe(content);
    this.#resize.observe(scroller);
    scroller.addEventListener("scroll", this.#scrolled, { passive: true });
  }

  dispose(): void {
    this.#observer.disconnect();
    this.#resize.disconnect();
    this.scroller.removeEventListener("scroll", this.#scrolled);
  }

  /** Tells `onNear` when the element comes near or goes far away. */
  observe(element: Element, onNear: (near: boolean) => void): void {
    this.#stretches.set(element, onNear);
    this.#observer.observe(element);
  }

  unobserve(element: Element): void {
    this.#observer.unobserve(element);
  }

  toBottom(): void {
    this.atBottom = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#lastTop = this.scroller.scrollTop;
    this.onMove();
  }

  /** Runs a change; what the reader looks at stays where it is. */
  keepPlace(change: () => void): void {
    if (this.atBottom) {
      change();
      this.toBottom();
      return;
    }
    const anchor = this.#firstVisible();
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    if (anchor?.isConnected) this.scroller.scrollTop += anchor.getBoundingClientRect().top - before;
    this.#lastTop = this.scroller.scrollTop;
  }

  /** Asks for older history when the reader is near its end; also after a page that did not fill the view. */
  check(): void {
    if (this.scroller.scrollTop < nearTop) this.onNearTop();
  }

  readonly #scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const below = scrollHeight - clientHeight - scrollTop;
    if (below <= nearBottom) this.atBottom = true;
    else if (scrollTop < this.#lastTop) this.atBottom = false;
    this.#lastTop = scrollTop;
    this.onMove();
    this.check();
  };

  #firstVisible(): Element | undefined {
    const top = this.scroller.getBoundingClientRect().top;
    const block = firstBelow(this.content.children, top);
    const stretch = block && firstBelow(block.querySelectorAll(".segment"), top);
    return stretch ?? block;
  }
}

/** The first of elements that stand one below the other whose end lies below `top`. */
function firstBelow(elements: ArrayLike<Element>, top: number): Element | undefined {
  let low = 0;
  let high = elements.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((elements[middle] as Element).getBoundingClientRect().bottom > top) high = middle;
    else low = middle + 1;
  }
  return elements[low];
}
