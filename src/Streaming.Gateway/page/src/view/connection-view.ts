import type { ChatHub, ConnectionState } from "../hub/chat-hub.ts";
import { testIds } from "../testids.ts";
import { h } from "./dom.ts";

const words: Record<ConnectionState | "waiting", string> = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  offline: "Offline",
  waiting: "Waiting",
};

/** The state of the connection, and whether the open conversation can continue; a click reconnects at once. */
export class ConnectionView {
  readonly element: HTMLElement;
  readonly #label = h("span", { class: "connection-word" });
  readonly #button: HTMLButtonElement;
  #paused: string | undefined;

  constructor(private readonly hub: ChatHub) {
    this.#button = h(
      "button",
      { class: "connection", type: "button", testId: testIds.connection, on: { click: () => hub.retryNow() } },
      h("span", { class: "dot" }),
      this.#label,
    );
    this.element = h("div", { attributes: { role: "status" } }, this.#button);
    hub.onState(() => this.#show());
    this.#show();
  }

  /** Why the open conversation cannot continue; undefined when it can. */
  set paused(reason: string | undefined) {
    if (this.#paused === reason) return;
    this.#paused = reason;
    this.#show();
  }

  #show(): void {
    const { state, refusal } = this.hub;
    const shown = state === "live" && this.#paused !== undefined ? "waiting" : state;
    this.#button.dataset.state = shown;
    this.#label.textContent = (shown === "offline" ? refusal : undefined) ?? words[shown];
    this.#button.disabled = state === "live";
    this.#button.title = state === "live" ? (this.#paused ?? "Connected") : "Try to connect now";
  }
}
