import DOMPurify, { type Config } from "dompurify";
import { Marked, type Tokens } from "marked";
import type { Segment } from "./segments.ts";

const escaped = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    // HTML in a reply is shown as text.
    html: ({ text }: Tokens.HTML | Tokens.Tag) => escaped(text),
    // Nothing is loaded from other sites: an image becomes a link to it.
    image: ({ href, text }: Tokens.Image) => `<a href="${escaped(href)}">${escaped(text || href)}</a>`,
    checkbox: ({ checked }: Tokens.Checkbox) => (checked ? "☑ " : "☐ "),
  },
});

const purify = DOMPurify(window);

purify.addHook("afterSanitizeAttributes", (node) => {
  // Elements that scroll sideways are reachable by keyboard.
  if (node.nodeName === "PRE" || node.nodeName === "TABLE") node.setAttribute("tabindex", "0");
  if (node.nodeName !== "A") return;
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener nofollow noreferrer");
});

const allowed: Config & { RETURN_DOM_FRAGMENT: true } = {
  ALLOWED_TAGS: [
    ..."p br hr strong em del code pre blockquote ul ol li h1 h2 h3 h4 h5 h6 a".split(" "),
    ..."table thead tbody tr th td".split(" "),
  ],
  ALLOWED_ATTR: ["href", "start"],
  // Not a URL, so the pattern below does not apply to it.
  ADD_URI_SAFE_ATTR: ["start"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

/**
 * Renders a segment of a reply; the only way from a model's text to markup. Each block is written in the direction of its own first
 * strong letter, except code, which is written from left to right. Style sheets do the same inside lists, quotations and tables.
 */
export function renderMarkdown(segment: Segment): DocumentFragment {
  const html = marked.parse(segment.prefix + segment.text, { async: false });
  const fragment = purify.sanitize(html, allowed);
  for (const block of fragment.children) if (block.tagName !== "PRE") block.setAttribute("dir", "auto");
  return fragment;
}

/**
 * Shows the user's text as it was written. Each line has a direction of its own, as in the field where it was typed. A line's element
 * has the empty lines before it and not the line break after it, so that a copied selection has each break once.
 */
export function renderPlain(segment: Segment): DocumentFragment {
  const fragment = document.createDocumentFragment();
  for (const [, text] of segment.text.matchAll(/(\n*[^\n]+|\n+$)\n?/g)) {
    const line = document.createElement("div");
    line.dir = "auto";
    line.append(text ?? "");
    fragment.append(line);
  }
  return fragment;
}
