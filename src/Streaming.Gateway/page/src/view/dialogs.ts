import { testIds } from "../testids.ts";
import { h } from "./dom.ts";

export interface Question {
  readonly title: string;
  readonly body?: string | HTMLElement;
  readonly confirm: string;
  readonly danger?: boolean;
  /** Returns what is wrong, in one sentence; the dialog then stays open. */
  readonly check?: () => string | undefined;
}

/** Asks in a modal dialog; false when the user cancels. */
export function ask(question: Question): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const problem = h("p", { class: "problem", hidden: true, attributes: { role: "alert" } });
  const dialog: HTMLDialogElement = h(
    "dialog",
    { attributes: { "aria-labelledby": "dialog-title" }, on: { close: () => finish() } },
    h(
      "form",
      {
        method: "dialog",
        noValidate: true,
        on: {
          submit: (event) => {
            const wrong =
              (event.submitter as HTMLButtonElement | null)?.value === "yes" ? question.check?.() : undefined;
            if (wrong === undefined) return;
            event.preventDefault();
            problem.textContent = wrong;
            problem.hidden = false;
          },
        },
      },
      h("h2", { id: "dialog-title" }, question.title),
      typeof question.body === "string" ? h("p", {}, question.body) : question.body,
      problem,
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", class: "quiet", on: { click: () => dialog.close("no") } }, "Cancel"),
        h(
          "button",
          {
            type: "submit",
            value: "yes",
            class: question.danger ? "danger" : "primary",
            testId: testIds.dialogConfirm,
          },
          question.confirm,
        ),
      ),
    ),
  );
  const finish = () => {
    dialog.remove();
    resolve(dialog.returnValue === "yes");
  };
  document.body.append(dialog);
  dialog.showModal();
  return promise;
}

/** Asks for a line of text; undefined when the user cancels or leaves it empty. */
export async function askText(
  title: string,
  label: string,
  value: string,
  maxLength: number,
  confirm: string,
): Promise<string | undefined> {
  const input = h("input", {
    type: "text",
    value,
    maxLength,
    testId: testIds.dialogInput,
    dir: "auto",
    autofocus: true,
    attributes: { "aria-label": label },
  });
  queueMicrotask(() => input.select());
  const yes = await ask({ title, body: input, confirm });
  const text = input.value.trim();
  return yes && text !== "" ? text : undefined;
}
