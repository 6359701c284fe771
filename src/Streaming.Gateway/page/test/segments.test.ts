import { describe, expect, it } from "vitest";
import { longestLength, Segmenter, wantedLength } from "../src/text/segments.ts";

const cut = (text: string, step = text.length) => {
  const segmenter = new Segmenter();
  for (let i = 0; i < text.length; i += step) segmenter.append(text.slice(i, i + step));
  return segmenter;
};
const joined = (segmenter: Segmenter) => [...segmenter.closed, segmenter.open].map((one) => one.text).join("");
const paragraph = `${"The dog ran home. ".repeat(20).trim()}\n\n`;

describe("Segmenter", () => {
  it.each([1, 3, 7, 100, 5_000, 1_000_000])("cuts at the same places when the text arrives in pieces of %i", (step) => {
    const text = paragraph.repeat(60);
    expect(cut(text, step).closed).toEqual(cut(text).closed);
    expect(joined(cut(text, step))).toBe(text);
  });

  it("ends segments between paragraphs", () => {
    const { closed } = cut(paragraph.repeat(60));
    expect(closed.length).toBeGreaterThan(5);
    for (const { text } of closed) {
      expect(text.endsWith(".\n\n")).toBe(true);
      expect(text.length).toBeGreaterThanOrEqual(wantedLength);
      expect(text.length).toBeLessThan(longestLength);
    }
  });

  it("keeps a list item together with the lines indented under it", () => {
    const text = `${paragraph.repeat(6)}- item\n\n  more of it\n\n${paragraph.repeat(6)}`;
    const segmenter = cut(text);
    expect(segmenter.closed.some((one) => one.text.startsWith("  more"))).toBe(false);
    expect(joined(segmenter)).toBe(text);
  });

  it("does not cut at a blank line inside code, and reopens a fence that it has to cut", () => {
    const code = `\`\`\`js\n${"let a = 1;\n\n".repeat(1_000)}\`\`\`\n\nAfter.\n`;
    const segmenter = cut(code);
    expect(segmenter.closed[0]?.prefix).toBe("");
    expect(segmenter.closed.slice(1).map((one) => one.prefix)).toEqual(segmenter.closed.slice(1).map(() => "```js\n"));
    expect(segmenter.closed.length).toBeGreaterThan(1);
    for (const one of segmenter.closed.slice(0, -1)) expect(one.text.length).toBeGreaterThanOrEqual(longestLength);
    expect(segmenter.fence).toBe("");
    expect(joined(segmenter)).toBe(code);
  });

  it("ignores a shorter fence inside a longer one", () => {
    const segmenter = cut("````\n```\n\ntext\n");
    expect(segmenter.fence).toBe("````\n");
  });

  it("cuts an endless paragraph after a sentence", () => {
    const segmenter = cut("The dog ran home. ".repeat(2_000), 11);
    expect(segmenter.closed.length).toBeGreaterThan(4);
    for (const { text } of segmenter.closed) {
      expect(text.endsWith(". ")).toBe(true);
      expect(text.length).toBeLessThanOrEqual(longestLength);
    }
  });

  it("cuts a text without spaces between characters", () => {
    const text = "x".repeat(longestLength - 1) + "🐕".repeat(20_000);
    const segmenter = cut(text, 1_001);
    expect(joined(segmenter)).toBe(text);
    for (const one of segmenter.closed) expect(one.text.isWellFormed()).toBe(true);
    expect(segmenter.open.text.length).toBeLessThanOrEqual(longestLength + 1_001);
  });
});
