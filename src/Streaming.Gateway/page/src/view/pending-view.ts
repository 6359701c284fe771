import type { Pending } from "../conversation/outbox.ts";
import { testIds } from "../testids.ts";
import { renderPlain } from "../text/markdown.ts";
import { h, setText } from "./dom.ts";

export interface PendingEvents {
  retry(clientMessageId: string): void;
  discard(clientMessageId: string): void;
}

/** A message that is being sent, or that failed and can be sent again. */
export class PendingView {
  readonly element: HTMLElement;
  readonly #status: HTMLElement;

  constructor(
    readonly message: Pending,
    events: PendingEvents,
  ) {
    const { clientMessageId: id, state, text } = message;
    const failed = state === "failed";
    const buttons = failed
      ? [
          h(
            "button",
            { class: "quiet", type: "button", testId: testIds.retry, on: { click: () => events.retry(id) } },
            "Try again",
          ),
          h(
            "button",
            { class: "quiet", type: "button", testId: testIds.discard, on: { click: () => events.discard(id) } },
            "Discard",
          ),
        ]
      : [];
    this.#status = h("span", { class: failed ? "ending failed" : "ending", testId: testIds.turnStatus });
    this.element = h(
      "article",
      {
        class: `turn person pending ${state}`,
        testId: testIds.turn,
        attributes: { "aria-label": "You", "data-author": "person", "data-state": state },
      },
      h("div", { class: "plain" }, renderPlain({ text, prefix: "" })),
      h("footer", { class: "turn-footer" }, this.#status, ...buttons),
    );
  }

  update(live: boolean): void {
    const { state, problem } = this.message;
    if (state === "failed") setText(this.#status, problem ?? "Not sent.");
    else setText(this.#status, live ? "Sending …" : "Waiting for the connection …");
  }
}
