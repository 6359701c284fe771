/** A reader this close to the bottom counts as being there. Pixels. */
const nearBottom = 48;

/** This close to the top, older history is loaded. Pixels. */
const nearTop = 900;

/** Segments further than this from the visible part have no content. */
const margin = "1600px 0px";

/**
 * The scrolled part of a transcript. It stays at the bottom while the reader is there, and keeps the reader's place when
 * something above changes (browsers differ in that, so their own anchoring is off). It tells segments of text when they come
 * near the visible part.
 */
export class Viewport {
  /** Whether the reader is at the bottom, and new text keeps them there. */
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

  /** Runs a change and keeps what the reader looks at in its place. */
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

  /** Loads older history when the reader is near its beginning, also after a page that did not fill the view. */
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

/** The first element that ends below `top`; the elements are in vertical order. */
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
