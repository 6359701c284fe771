import "./styles/main.css";
import { BrowserStore } from "./browser-store.ts";
import type { ChatHub } from "./hub/chat-hub.ts";
import { SignalRHub } from "./hub/signalr-hub.ts";
import { App } from "./view/app.ts";

async function makeHub(): Promise<ChatHub> {
  // In development the page has a fake hub, unless `?server` asks for the real one. The built page does not contain it.
  if (import.meta.env.DEV && !new URLSearchParams(location.search).has("server")) {
    const { FakeHub } = await import("../dev/fake-hub.ts");
    return new FakeHub();
  }
  return new SignalRHub();
}

const hub = await makeHub();
document.querySelector("#app")?.replaceWith(new App(hub, new BrowserStore()).element);
hub.start();
