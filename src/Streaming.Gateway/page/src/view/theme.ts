import { testIds } from "../testids.ts";
import { h } from "./dom.ts";
import { type Icon, icon } from "./icons.ts";

type Theme = "auto" | "light" | "dark";

const order: readonly Theme[] = ["auto", "light", "dark"];
const icons: Record<Theme, Icon> = { auto: "auto", light: "sun", dark: "moon" };
const names: Record<Theme, string> = { auto: "system", light: "light", dark: "dark" };
const key = "theme";

function stored(): Theme {
  const value = localStorage.getItem(key);
  return order.find((theme) => theme === value) ?? "auto";
}

function show(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

show(stored());

/** A button that switches between the system's theme, light and dark. */
export function themeButton(): HTMLButtonElement {
  const button = h("button", { class: "quiet icon-only", type: "button", testId: testIds.theme });
  const refresh = () => {
    const theme = stored();
    show(theme);
    button.replaceChildren(icon(icons[theme]));
    button.title = `Theme: ${names[theme]}`;
    button.setAttribute("aria-label", button.title);
  };
  button.addEventListener("click", () => {
    localStorage.setItem(key, order[(order.indexOf(stored()) + 1) % order.length] as Theme);
    refresh();
  });
  refresh();
  return button;
}
