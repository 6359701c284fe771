import type { ConversationEntry } from "../contract.ts";
import type { ConversationList } from "../conversation/list.ts";
import { relativeTime } from "../relative-time.ts";
import { hashOf } from "../routes.ts";
import { testIds } from "../testids.ts";
import { h, setAttribute, setText } from "./dom.ts";
import { icon } from "./icons.ts";

export interface SidebarEvents {
  rename(entry: ConversationEntry): void;
  delete(entry: ConversationEntry): void;
  /** An entry was chosen. */
  chosen(): void;
}

interface Row {
  readonly element: HTMLElement;
  readonly link: HTMLAnchorElement;
  readonly title: HTMLElement;
  readonly time: HTMLTimeElement;
  entry: ConversationEntry;
}

export const untitled = "New conversation";

/** The list of conversations. */
export class Sidebar {
  readonly element: HTMLElement;
  readonly #list = h("ul", { testId: testIds.list, attributes: { "aria-label": "Conversations" } });
  readonly #empty = h("p", { class: "list-empty", hidden: true }, "Your conversations will appear here.");
  readonly #more: HTMLButtonElement;
  readonly #rows = new Map<string, Row>();

  constructor(
    private readonly list: ConversationList,
    private readonly events: SidebarEvents,
    footer: HTMLElement,
  ) {
    // After a refusal, the next click tries again.
    this.#more = h(
      "button",
      {
        class: "quiet more",
        type: "button",
        hidden: true,
        on: { click: () => void list.more().catch(() => undefined) },
      },
      "Show more",
    );
    this.element = h(
      "aside",
      { class: "sidebar", id: "conversations", attributes: { "aria-label": "Conversations" } },
      h(
        "div",
        { class: "brand" },
        h("span", { class: "mark", attributes: { "aria-hidden": "true" } }, h("i"), h("i"), h("i"), h("i")),
        h("h1", {}, "Streaming"),
      ),
      h(
        "a",
        {
          class: "new",
          href: hashOf({ view: "start" }),
          testId: testIds.newConversation,
          on: { click: () => events.chosen() },
        },
        icon("plus"),
        untitled,
      ),
      h("nav", { attributes: { "aria-label": "Conversations" } }, this.#list, this.#empty, this.#more),
      footer,
    );
  }

  render(current: string | undefined, now: Date): void {
    const { items, loaded, next } = this.list;
    this.#empty.hidden = !loaded || items.length > 0;
    this.#more.hidden = next === undefined;
    const ids = new Set(items.map((item) => item.id));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    items.forEach((entry, index) => {
      const row = this.#rows.get(entry.id) ?? this.#row(entry);
      row.entry = entry;
      setText(row.title, entry.title || untitled);
      setText(row.time, relativeTime(new Date(entry.activeAt), now));
      setAttribute(row.time, "datetime", entry.activeAt);
      setAttribute(row.link, "aria-current", entry.id === current ? "page" : undefined);
      // A row that is already in its place is not moved: moving would take its focus away.
      if (this.#list.children[index] !== row.element)
        this.#list.insertBefore(row.element, this.#list.children[index] ?? null);
    });
  }

  #row(entry: ConversationEntry): Row {
    const title = h("span", { class: "item-title", dir: "auto" });
    const time = h("time", { class: "item-time" });
    const link = h(
      "a",
      {
        class: "item-link",
        href: hashOf({ view: "conversation", id: entry.id }),
        on: { click: () => this.events.chosen() },
      },
      title,
      time,
    );
    const rename = h(
      "button",
      {
        class: "quiet icon-only",
        type: "button",
        title: "Rename",
        testId: testIds.itemRename,
        attributes: { "aria-label": "Rename" },
      },
      icon("pencil"),
    );
    const remove = h(
      "button",
      {
        class: "quiet icon-only",
        type: "button",
        title: "Delete",
        testId: testIds.itemDelete,
        attributes: { "aria-label": "Delete" },
      },
      icon("bin"),
    );
    const element = h(
      "li",
      { class: "item", testId: testIds.listItem, attributes: { "data-id": entry.id } },
      link,
      h("span", { class: "item-actions" }, rename, remove),
    );
    const row: Row = { element, link, title, time, entry };
    rename.addEventListener("click", () => this.events.rename(row.entry));
    remove.addEventListener("click", () => this.events.delete(row.entry));
    this.#rows.set(entry.id, row);
    return row;
  }
}
