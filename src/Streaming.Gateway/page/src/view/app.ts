import type { BrowserStore } from "../browser-store.ts";
import { type ConversationEntry, limits } from "../contract.ts";
import { gaugeOf } from "../conversation/gauge.ts";
import { ConversationList } from "../conversation/list.ts";
import { Session } from "../conversation/session.ts";
import { type ChatHub, RefusedError } from "../hub/chat-hub.ts";
import { whenLive } from "../hub/when-live.ts";
import { hashOf, type Route, routeOf } from "../routes.ts";
import { testIds } from "../testids.ts";
import { Composer } from "./composer.ts";
import { ConnectionView } from "./connection-view.ts";
import { ask, askText } from "./dialogs.ts";
import { h, setText } from "./dom.ts";
import { GaugeView } from "./gauge-view.ts";
import { icon } from "./icons.ts";
import { SettingsForm } from "./settings-form.ts";
import { Sidebar, untitled } from "./sidebar.ts";
import { Start } from "./start.ts";
import { themeButton } from "./theme.ts";
import { Transcript } from "./transcript.ts";

/** The draft of the conversation that does not exist yet. */
const newDraft = "new";

const waiting = "Waiting for the connection …";

/** The parts that exist only while a conversation is open. */
interface Open {
  readonly session: Session;
  readonly transcript: Transcript;
}

/** The page: the list of conversations, and the open conversation or the start of a new one. */
export class App {
  readonly element: HTMLElement;
  readonly #list: ConversationList;
  readonly #sidebar: Sidebar;
  readonly #start = new Start((text) => void this.#begin(text));
  readonly #connections: readonly [ConnectionView, ConnectionView];
  readonly #composer: Composer;
  readonly #gauge = new GaugeView();
  readonly #title = h("h2", { class: "title", testId: testIds.title, dir: "auto" });
  readonly #tools: HTMLElement;
  readonly #dock = h("div", { class: "dock" });
  readonly #stage = h("div", { class: "stage" });
  readonly #message = h("div", { class: "lost", hidden: true });
  readonly #announcement = h("p", { class: "visually-hidden", attributes: { role: "status", "aria-live": "polite" } });
  #route: Route = { view: "start" };
  #open: Open | undefined;
  #drawn = false;
  #beginning = false;
  #announced: number | undefined;

  constructor(
    private readonly hub: ChatHub,
    private readonly store: BrowserStore,
  ) {
    this.#list = new ConversationList(hub, () => this.#drawSoon());
    this.#connections = [new ConnectionView(hub), new ConnectionView(hub)];
    this.#composer = new Composer({
      send: (text) => this.#send(text),
      stop: () => void this.#stop(),
      draft: (text) => store.saveDraft(this.#draftKey, text),
    });
    this.#dock.append(this.#composer.element);
    this.#sidebar = new Sidebar(
      this.#list,
      {
        rename: (entry) => void this.#rename(entry.id, entry.title ?? ""),
        delete: (entry) => void this.#delete(entry),
        chosen: () => this.#drawer(false),
      },
      h("div", { class: "sidebar-foot" }, this.#connections[0].element, themeButton()),
    );
    const menu = h(
      "button",
      {
        class: "quiet icon-only menu",
        type: "button",
        testId: testIds.openList,
        attributes: { "aria-label": "Conversations", "aria-expanded": "false", "aria-controls": "conversations" },
        on: { click: () => this.#drawer(true) },
      },
      icon("menu"),
    );
    this.#tools = h(
      "span",
      { class: "tools", hidden: true },
      h(
        "button",
        {
          class: "quiet icon-only",
          type: "button",
          title: "Rename",
          attributes: { "aria-label": "Rename the conversation" },
          on: { click: () => void this.#renameOpen() },
        },
        icon("pencil"),
      ),
      h(
        "button",
        {
          class: "quiet icon-only",
          type: "button",
          title: "Settings",
          attributes: { "aria-label": "Settings of the conversation" },
          on: { click: () => void this.#configure() },
        },
        icon("sliders"),
      ),
    );
    this.element = h(
      "div",
      { class: "app" },
      this.#sidebar.element,
      h("div", { class: "scrim", on: { click: () => this.#drawer(false) } }),
      h(
        "main",
        {},
        h("header", { class: "topbar" }, menu, this.#title, this.#tools, this.#connections[1].element),
        this.#gauge.element,
        this.#stage,
        this.#dock,
        this.#announcement,
      ),
    );
    addEventListener("hashchange", () => {
      this.#go();
      this.#list.refreshSoon();
    });
    // Other windows and devices may have changed the list.
    addEventListener("focus", () => this.#list.refreshSoon());
    addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#drawer(false);
    });
    // Refreshes the relative times in the list.
    setInterval(() => this.#drawSoon(), 60_000);
    this.#go();
  }

  get #draftKey(): string {
    return this.#route.view === "conversation" ? this.#route.id : newDraft;
  }

  #go(): void {
    this.#open?.session.dispose();
    this.#open?.transcript.dispose();
    this.#open = undefined;
    this.#announced = undefined;
    this.#route = routeOf(location.hash);
    this.#message.hidden = true;
    this.#dock.hidden = false;
    if (this.#route.view === "start") this.#stage.replaceChildren(this.#start.element);
    else {
      const session = new Session(
        this.#route.id,
        this.hub,
        this.store,
        () => this.#drawSoon(),
        () => this.#list.refreshSoon(),
      );
      const transcript = new Transcript(session);
      this.#open = { session, transcript };
      this.#stage.replaceChildren(transcript.element, transcript.jump, this.#message);
    }
    this.#composer.enabled = true;
    this.#composer.text = this.store.draft(this.#draftKey);
    if (matchMedia("(hover: hover)").matches) this.#composer.focus();
    this.#draw();
  }

  /** Draws the page once per frame, however many events arrive. */
  #drawSoon(): void {
    if (this.#drawn) return;
    this.#drawn = true;
    requestAnimationFrame(() => {
      this.#drawn = false;
      this.#draw();
    });
  }

  #draw(): void {
    const open = this.#open;
    const current = open?.session.id;
    this.#sidebar.render(current, new Date());
    for (const connection of this.#connections) connection.paused = open?.session.state.paused;
    this.#tools.hidden = open?.session.state.info === undefined || open.session.state.deleted;
    if (open === undefined) {
      this.#setTitle(untitled);
      this.#gauge.render(undefined);
      this.#composer.running = false;
      return;
    }
    const { session, transcript } = open;
    const { state } = session;
    const entry = this.#list.items.find((item) => item.id === current);
    this.#setTitle(
      entry?.title || state.info?.title || (state.loaded ? untitled : session.problem ? "Not found" : "Loading"),
    );
    this.#gauge.render(state.info === undefined ? undefined : gaugeOf(state.info, state.position));
    transcript.render();
    this.#composer.running = state.running !== undefined;
    this.#composer.enabled = session.canSend && session.problem === undefined;
    this.#showLost(state.deleted ? "This conversation was deleted." : session.problem);
    this.#announce(state.running);
  }

  #setTitle(title: string): void {
    setText(this.#title, title);
    document.title = ["", untitled, "Loading"].includes(title) ? "Streaming" : `${title} · Streaming`;
  }

  #showLost(sentence: string | undefined): void {
    this.#message.hidden = sentence === undefined;
    this.#dock.hidden = sentence !== undefined;
    this.#message.classList.toggle("empty", this.#open?.session.state.loaded !== true);
    if (sentence !== undefined && this.#message.dataset.sentence !== sentence)
      this.#message.replaceChildren(
        h("p", { attributes: { role: "alert" } }, sentence),
        h("a", { class: "button primary", href: hashOf({ view: "start" }) }, "Start a new conversation"),
      );
    this.#message.dataset.sentence = sentence ?? "";
  }

  /** Tells screen readers that a reply starts or ends; its words arrive too fast to be read aloud. */
  #announce(running: number | undefined): void {
    if (running === this.#announced) return;
    this.#announced = running;
    this.#announcement.textContent = running === undefined ? "The reply has ended." : "A reply is being written.";
  }

  #send(text: string): void {
    if (this.#open === undefined) {
      void this.#begin(text);
      return;
    }
    this.#open.session.send(text);
    this.#open.transcript.toBottom();
  }

  async #begin(text: string): Promise<void> {
    const giveBack = (problem: string) => {
      if (this.#composer.text === "") this.#composer.text = text;
      this.#composer.problem = problem;
    };
    if (this.#beginning) return giveBack("Your conversation is being created. Please wait a moment.");
    if (this.#start.problem !== undefined) return giveBack(this.#start.problem);
    this.#beginning = true;
    const { request } = this.#start;
    try {
      const { id } = await this.#whenLive(() => this.hub.createConversation(request));
      this.#start.reset();
      // The message waits in the new conversation's outbox; opening the conversation sends it, once.
      const clientMessageId = crypto.randomUUID();
      this.store.save(id, [{ clientMessageId, text, state: "sending" }]);
      this.#list.refreshSoon();
      if (this.#route.view === "start") location.hash = hashOf({ view: "conversation", id });
      // The user has opened another conversation meanwhile.
      else await this.#whenLive(() => this.hub.send(id, text, clientMessageId));
    } catch (error) {
      giveBack(sentenceOf(error));
    } finally {
      this.#beginning = false;
    }
  }

  async #stop(): Promise<void> {
    try {
      await this.#open?.session.stop();
    } catch (error) {
      this.#composer.problem = sentenceOf(error);
      this.#drawSoon();
    }
  }

  async #rename(id: string, title: string): Promise<void> {
    const next = await askText("Rename conversation", "Title", title, limits.titleLength, "Rename");
    if (next === undefined || next === title) return;
    await this.#change(async () => {
      await this.hub.configure(id, { title: next });
      this.#list.rename(id, next);
      if (this.#open?.session.id === id) await this.#open.session.describe();
    });
  }

  async #renameOpen(): Promise<void> {
    const session = this.#open?.session;
    if (session !== undefined) await this.#rename(session.id, this.#title.textContent ?? "");
  }

  async #configure(): Promise<void> {
    const session = this.#open?.session;
    if (session === undefined) return;
    const form = new SettingsForm();
    form.value = session.state.info?.sampling ?? {};
    const yes = await ask({
      title: "Settings for the next reply",
      body: form.element,
      confirm: "Save",
      check: () => form.problem,
    });
    if (!yes) return;
    await this.#change(async () => {
      await this.hub.configure(session.id, { sampling: form.value });
      await session.describe();
    });
  }

  async #delete(entry: ConversationEntry): Promise<void> {
    const yes = await ask({
      title: "Delete conversation?",
      body: `“${entry.title || untitled}” and all of its messages will be deleted.`,
      confirm: "Delete",
      danger: true,
    });
    if (!yes) return;
    await this.#change(async () => {
      await this.hub.delete(entry.id);
      this.store.save(entry.id, []);
      this.store.saveDraft(entry.id, "");
      this.#list.remove(entry.id);
      if (this.#open?.session.id === entry.id) location.hash = hashOf({ view: "start" });
    });
  }

  /** Makes a change that may be made twice, and shows why the server refused it. */
  async #change(call: () => Promise<void>): Promise<void> {
    try {
      await this.#whenLive(call);
    } catch (error) {
      this.#composer.problem = sentenceOf(error);
    }
  }

  /** Makes a call as soon as there is a connection, and shows meanwhile that it waits. */
  async #whenLive<T>(call: () => Promise<T>): Promise<T> {
    let waited = false;
    const result = await whenLive(this.hub, call, () => {
      waited = true;
      this.#composer.problem = waiting;
    });
    if (waited && this.#composer.problem === waiting) this.#composer.problem = undefined;
    return result;
  }

  #drawer(open: boolean): void {
    this.element.classList.toggle("drawer-open", open);
    this.element.querySelector(".menu")?.setAttribute("aria-expanded", `${open}`);
    if (open) this.#sidebar.element.querySelector<HTMLElement>("a.new")?.focus();
  }
}

function sentenceOf(error: unknown): string {
  return error instanceof RefusedError ? error.message : "Something went wrong. Please try again.";
}
