/**
 * The `data-testid` of elements that tests and users' scripts look for. Besides these:
 * - a turn (`turn`) has `data-turn` (its number, absent until the server confirms a message), `data-author` (`person` or
 *   `model`) and `data-state` (`done`, `running`, `sending`, `failed`); a finished reply also `data-finish-reason`;
 * - the text of a turn (`turnText`) is a `<turn-text>` element: its property `sourceText` is the whole text as it was received
 *   (parts far from the viewport have no DOM), its property `sourceFrom` the offset at which that text starts in the turn
 *   (0 unless the beginning of a long reply is not loaded yet);
 * - the connection (`connection`) has `data-state` (`connecting`, `live`, `reconnecting`, `offline`);
 * - the gauge (`position`) has `data-position`, `data-sinks`, `data-fixed`, `data-window`, `data-forgotten`;
 * - the transcript (`transcript`) has `data-conversation`, `data-last-seq`, and `data-loaded` once history is shown.
 */
export const testIds = {
  newConversation: "new-conversation",
  openList: "open-list",
  list: "conversation-list",
  listItem: "conversation-item",
  itemRename: "conversation-rename",
  itemDelete: "conversation-delete",
  title: "conversation-title",
  dialogConfirm: "dialog-confirm",
  dialogInput: "dialog-input",
  connection: "connection",
  theme: "theme",
  position: "position",
  start: "start",
  suggestion: "suggestion",
  settings: "settings",
  systemPrompt: "system-prompt",
  endless: "endless",
  temperature: "temperature",
  topP: "top-p",
  maxTokens: "max-tokens",
  transcript: "transcript",
  turn: "turn",
  turnText: "turn-text",
  turnStatus: "turn-status",
  retry: "retry",
  discard: "discard",
  jumpToLatest: "jump-to-latest",
  loadOlder: "load-older",
  composer: "composer",
  send: "send",
  stop: "stop",
  problem: "problem",
} as const;

export type TestId = (typeof testIds)[keyof typeof testIds];
