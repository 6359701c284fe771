import type { TestId } from "../testids.ts";

type Properties<K extends keyof HTMLElementTagNameMap> = {
  class?: string;
  testId?: TestId;
  /** Attributes, `aria-*` and `data-*` among them. */
  attributes?: Record<string, string>;
  on?: { [E in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[E]) => void };
} & Partial<Omit<HTMLElementTagNameMap[K], "attributes" | "style" | "children" | "className">>;

/** Creates an element with properties, attributes, listeners and children; strings become text, never markup. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties<K> = {},
  ...children: (Node | string | undefined)[]
): HTMLElementTagNameMap[K] {
  const { class: className, testId, attributes, on, ...rest } = properties;
  const element = document.createElement(tag);
  Object.assign(element, rest);
  if (className !== undefined) element.className = className;
  if (testId !== undefined) element.dataset.testid = testId;
  for (const [name, value] of Object.entries(attributes ?? {})) element.setAttribute(name, value);
  for (const [name, listener] of Object.entries(on ?? {})) element.addEventListener(name, listener as EventListener);
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** Writes an attribute only when it changes, so that observers and assistive technology are not disturbed. */
export function setAttribute(element: Element, name: string, value: string | undefined): void {
  if (value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Replaces `target`'s children by those of `source`. Equal leading children stay in place, so that selections in them survive. */
export function morph(target: Element, source: DocumentFragment): void {
  let kept = target.firstChild;
  while (kept !== null && source.firstChild !== null && kept.isEqualNode(source.firstChild)) {
    source.firstChild.remove();
    kept = kept.nextSibling;
  }
  while (kept !== null) {
    const next: ChildNode | null = kept.nextSibling;
    kept.remove();
    kept = next;
  }
  target.append(source);
}
