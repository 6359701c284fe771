/** The length at which the open part is sealed. UTF-16 units. */
const sealAt = 16 * 1024;

/**
 * A text that grows at its end for hours, and sometimes at its beginning. Appending does not copy existing text, so a million
 * deltas cost a million small appends.
 */
export class GrowingText {
  #sealed: string[] = [];
  #sealedLength = 0;
  #open = "";

  get length(): number {
    return this.#sealedLength + this.#open.length;
  }

  append(text: string): void {
    this.#open += text;
    if (this.#open.length < sealAt) return;
    this.#sealed.push(this.#open);
    this.#sealedLength += this.#open.length;
    this.#open = "";
  }

  prepend(text: string): void {
    this.#sealed.unshift(text);
    this.#sealedLength += text.length;
  }

  /** The text after the first `start` units; the cost is proportional to the result. */
  from(start: number): string {
    if (start >= this.#sealedLength) return this.#open.slice(start - this.#sealedLength);
    const parts = [this.#open];
    let begin = this.#sealedLength;
    for (let i = this.#sealed.length - 1; i >= 0 && begin > start; i--) {
      const part = this.#sealed[i] as string;
      begin -= part.length;
      parts.unshift(begin < start ? part.slice(start - begin) : part);
    }
    return parts.join("");
  }

  toString(): string {
    return this.from(0);
  }
}
