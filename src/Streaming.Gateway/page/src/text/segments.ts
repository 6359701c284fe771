/** A part of a text that is rendered by itself. */
export interface Segment {
  readonly text: string;
  /** The opening line of the code fence in which the segment starts; empty outside of a fence. */
  readonly prefix: string;
}

/** From this length on, a segment ends before the next block. UTF-16 units. */
export const wantedLength = 2 * 1024;

/** At this length, a segment ends wherever it can. UTF-16 units. */
export const longestLength = 6 * 1024;

const fenceLine = /^ {0,3}(`{3,}|~{3,})(.*)$/;

/**
 * Cuts a growing Markdown text into segments, so that only the last one is rendered again. Outside code, a segment ends after a
 * blank line that is followed by an unindented line. In a text without such places it ends after a line, a sentence or a space.
 */
export class Segmenter {
  readonly closed: Segment[] = [];
  #open = "";
  /** The opening line of the fence that is open at the start of `#open`. */
  #prefix: string;
  /** How far `#open` was scanned: the start of a line. */
  #scanned = 0;
  /** The opening line of the fence that is open at `#scanned`. */
  #fence: string;
  #afterBlank = false;

  constructor(prefix = "") {
    this.#prefix = prefix;
    this.#fence = prefix;
  }

  get open(): Segment {
    return { text: this.#open, prefix: this.#prefix };
  }

  /** The opening line of the code fence that is open after the last whole line; empty outside of a fence. */
  get fence(): string {
    return this.#fence;
  }

  append(text: string): void {
    this.#open += text;
    for (;;) {
      const end = this.#scan();
      if (end === undefined) return;
      this.closed.push({ text: this.#open.slice(0, end), prefix: this.#prefix });
      this.#open = this.#open.slice(end);
      this.#prefix = this.#fence;
      this.#scanned = Math.max(0, this.#scanned - end);
    }
  }

  /** Where the open segment ends, if that is known by now; `#scanned` and `#fence` then belong to that place or an earlier one. */
  #scan(): number | undefined {
    while (this.#scanned < this.#open.length) {
      const start = this.#scanned;
      const inLine = this.#open.slice(start, start + longestLength + 1).indexOf("\n");
      if (
        this.#afterBlank &&
        this.#fence === "" &&
        start >= wantedLength &&
        start < this.#open.length &&
        !/\s/.test(this.#open[start] as string)
      ) {
        this.#afterBlank = false;
        return start;
      }
      if (start >= longestLength) return start;
      if (inLine < 0) break;
      this.#pass(this.#open.slice(start, start + inLine));
      this.#scanned = start + inLine + 1;
    }
    return this.#open.length - this.#scanned > longestLength ? this.#cutLine(this.#scanned) : undefined;
  }

  #pass(line: string): void {
    const fence = fenceLine.exec(line);
    if (fence !== null) {
      const mark = fence[1] as string;
      if (this.#fence === "") this.#fence = `${line}\n`;
      else if (closes(this.#fence, mark) && (fence[2] as string).trim() === "") this.#fence = "";
    }
    this.#afterBlank = line.trim() === "";
  }

  /** Where to cut a line that is too long: after a sentence, else after a space, else between two characters. */
  #cutLine(start: number): number {
    const limit = start + longestLength;
    const stretch = this.#open.slice(start + wantedLength, limit);
    const sentence = stretch.search(/[.!?。！？]["”’)]?\s(?![\s\S]*[.!?。！？]["”’)]?\s)/);
    let end: number;
    if (sentence >= 0) end = start + wantedLength + sentence + (/\s/.exec(stretch.slice(sentence))?.index ?? 0) + 1;
    else {
      const space = stretch.lastIndexOf(" ");
      end = space >= 0 ? start + wantedLength + space + 1 : limit;
    }
    // Not between the halves of a surrogate pair.
    if (/[\ud800-\udbff]/.test(this.#open[end - 1] as string)) end--;
    this.#scanned = Math.min(this.#scanned, end);
    this.#afterBlank = false;
    return end;
  }
}

function closes(opening: string, mark: string): boolean {
  const opened = /(`{3,}|~{3,})/.exec(opening)?.[1] ?? "";
  return mark[0] === opened[0] && mark.length >= opened.length;
}
