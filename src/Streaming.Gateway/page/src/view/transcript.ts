import type { Pending } from "../conversation/outbox.ts";
import type { Session } from "../conversation/session.ts";
import { testIds } from "../testids.ts";
import { h, setAttribute, setText } from "./dom.ts";
import { icon } from "./icons.ts";
import { PendingView } from "./pending-view.ts";
import { TurnView } from "./turn-view.ts";
import { Viewport } from "./viewport.ts";

const ordinal = new Intl.PluralRules("en", { type: "ordinal" });
const suffixes: Record<string, string> = { one: "st", two: "nd", few: "rd", other: "th" };

/** The turns of one conversation, its notices, and the messages that are not yet stored. */
export class Transcript {
  readonly element: HTMLElement;
  readonly jump: HTMLButtonElement;
  readonly #content = h("div", { class: "turns" });
  readonly #viewport: Viewport;
  readonly #views = new Map<number, TurnView>();
  readonly #notices = new Map<number, HTMLElement>();
  readonly #pending = new Map<string, PendingView>();
  readonly #older: HTMLButtonElement;
  readonly #tail: HTMLElement;
  #shownOlder: number | undefined;
  #loaded = false;

  constructor(private readonly session: Session) {
    this.#older = h("button", {
      class: "quiet older",
      type: "button",
      testId: testIds.loadOlder,
      hidden: true,
      on: { click: () => this.#loadOlder() },
    });
    this.#tail = h("p", { class: "tail", testId: testIds.turnStatus, hidden: true });
    this.element = h(
      "section",
      {
        class: "transcript",
        testId: testIds.transcript,
        tabIndex: 0,
        attributes: { "aria-label": "Conversation", "data-conversation": session.id },
      },
      this.#older,
      this.#content,
      this.#tail,
    );
    this.jump = h(
      "button",
      {
        class: "jump",
        type: "button",
        testId: testIds.jumpToLatest,
        hidden: true,
        attributes: { "aria-label": "Jump to latest" },
        on: { click: () => this.#viewport.toBottom() },
      },
      icon("down"),
      "Latest",
    );
    this.#viewport = new Viewport(
      this.element,
      this.#content,
      () => {
        this.jump.hidden = this.#viewport.atBottom;
      },
      () => this.#loadOlder(),
    );
  }

  dispose(): void {
    this.#viewport.dispose();
  }

  toBottom(): void {
    this.#viewport.toBottom();
  }

  /** Draws the session's state; cheap when little has changed. */
  render(): void {
    const { state } = this.session;
    if (!state.loaded) return;
    // Only older history changes what is above the visible part.
    if (this.#loaded && this.#shownOlder !== state.older) this.#viewport.keepPlace(() => this.#show());
    else this.#show();
    this.#shownOlder = state.older;
    if (!this.#loaded) {
      this.#loaded = true;
      this.element.dataset.loaded = "true";
      this.#viewport.toBottom();
      requestAnimationFrame(() => this.#viewport.check());
    }
    setAttribute(this.element, "data-last-seq", `${state.lastSeq}`);
  }

  #show(): void {
    const { state, outbox } = this.session;
    for (const [number, view] of this.#views) {
      if (state.turn(number) === view.turn) continue;
      view.remove();
      this.#views.delete(number);
    }
    let place: Element | null = this.#content.firstElementChild;
    const put = (element: HTMLElement) => {
      if (element === place) place = place.nextElementSibling;
      else this.#content.insertBefore(element, place);
    };
    for (const turn of state.turns) {
      let view = this.#views.get(turn.number);
      if (view === undefined) {
        view = new TurnView(turn, this.#viewport);
        this.#views.set(turn.number, view);
      }
      put(view.element);
      view.update(state.running === turn.number);
      for (const notice of state.notices) if (notice.after === turn.number) put(this.#notice(notice.seq, notice.text));
    }
    if (outbox.all.length === 0) this.#pending.clear();
    for (const message of outbox.shown) put(this.#pendingElement(message));
    while (place !== null) {
      const next: Element | null = place.nextElementSibling;
      place.remove();
      place = next;
    }
    this.#showEdges();
  }

  #showEdges(): void {
    const { state, loadingOlder } = this.session;
    this.#older.hidden = state.older === undefined;
    setText(this.#older, loadingOlder ? "Loading earlier messages …" : "Earlier messages");
    const text = this.#status();
    this.#tail.hidden = text === undefined;
    this.#tail.classList.toggle("dots", text === "");
    setText(this.#tail, text ?? "");
  }

  /** The status of a reply that shows no text yet; undefined when there is nothing to say, empty for a reply that is about to start. */
  #status(): string | undefined {
    const { state } = this.session;
    if (state.paused !== undefined) return state.paused;
    if (state.running === undefined) return undefined;
    if (state.place !== undefined)
      return `Waiting for a free slot: ${state.place}${suffixes[ordinal.select(state.place)]} in the queue`;
    if (state.share !== undefined) return `Reading your message: ${Math.floor(state.share * 100)} %`;
    return state.turn(state.running)?.text.length ? undefined : "";
  }

  #notice(seq: number, text: string): HTMLElement {
    let element = this.#notices.get(seq);
    if (element === undefined) {
      element = h("p", { class: "notice", attributes: { role: "note" } }, text);
      this.#notices.set(seq, element);
    }
    return element;
  }

  #pendingElement(message: Pending): HTMLElement {
    let view = this.#pending.get(message.clientMessageId);
    if (view?.message !== message) {
      view = new PendingView(message, this.session);
      this.#pending.set(message.clientMessageId, view);
    }
    view.update(this.session.live);
    return view.element;
  }

  #loadOlder(): void {
    // After a refusal, scrolling or a click tries again.
    this.session.loadOlder().then(
      (more) => {
        if (more) requestAnimationFrame(() => this.#viewport.check());
      },
      () => undefined,
    );
  }
}
