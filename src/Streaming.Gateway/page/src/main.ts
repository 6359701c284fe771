import "./styles/main.css";
import { BrowserStore } from "./browser-store.ts";
import type { ChatHub } from "./hub/chat-hub.ts";
import { SignalRHub } from "./hub/signalr-hub.ts";
import { App } from "./view/app.ts";

async function makeHub(): Promise<ChatHub> {
  // While the page is developed it has a hub of its own, unless asked for the server's; nothing of it is in the built page.
  if (import.meta.env.DEV && !new URLSearchParams(location.search).has("server")) {
    const { FakeHub } = await import("../dev/fake-hub.ts");
    return new FakeHub();
  }
  return new SignalRHub();
}

const hub = await makeHub();
document.querySelector("#app")?.replaceWith(new App(hub, new BrowserStore()).element);
hub.start();
