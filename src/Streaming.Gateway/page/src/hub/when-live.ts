import { backoff } from "./backoff.ts";
import { type ChatHub, DisconnectedError } from "./chat-hub.ts";

/**
 * Makes a call once the hub is live, and repeats it until the server answers or refuses. What the user asked for before the
 * connection is there, or while it is lost, is thus done later instead of being dropped.
 * @param call may reach the server more than once.
 * @param onWait is called before every wait.
 */
export async function whenLive<T>(hub: ChatHub, call: () => Promise<T>, onWait: () => void = () => {}): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    if (hub.state !== "live") {
      onWait();
      await live(hub);
    }
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof DisconnectedError)) throw error;
      onWait();
      await new Promise((resolve) => setTimeout(resolve, backoff(attempt)));
    }
  }
}

function live(hub: ChatHub): Promise<void> {
  return new Promise((resolve) => {
    const off = hub.onState((state) => {
      if (state !== "live") return;
      off();
      resolve();
    });
  });
}
