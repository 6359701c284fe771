import type { ChatHub, ConnectionState } from "../hub/chat-hub.ts";
import { testIds } from "../testids.ts";
import { h } from "./dom.ts";

const words: Record<ConnectionState, string> = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  offline: "Offline",
};

/** How the connection is; a press tries again at once. */
export function connectionView(hub: ChatHub): HTMLElement {
  const label = h("span", { class: "connection-word" });
  const button = h(
    "button",
    { class: "connection", type: "button", testId: testIds.connection, on: { click: () => hub.retryNow() } },
    h("span", { class: "dot" }),
    label,
  );
  const show = (state: ConnectionState) => {
    button.dataset.state = state;
    label.textContent = words[state];
    button.disabled = state === "live";
    button.title = state === "live" ? "Connected" : "Try to connect now";
  };
  hub.onState(show);
  show(hub.state);
  return h("div", { attributes: { role: "status" } }, button);
}
