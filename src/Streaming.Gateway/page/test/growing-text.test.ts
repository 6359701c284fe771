import { describe, expect, it } from "vitest";
import { GrowingText } from "../src/conversation/growing-text.ts";

describe("GrowingText", () => {
  it("equals plain concatenation from any offset", () => {
    const text = new GrowingText();
    let plain = "";
    for (let i = 0; i < 20_000; i++) {
      const piece = `${i} `;
      if (i % 5_000 === 4_999) {
        text.prepend(piece);
        plain = piece + plain;
      } else {
        text.append(piece);
        plain += piece;
      }
    }
    expect(text.length).toBe(plain.length);
    expect(text.toString()).toBe(plain);
    for (const start of [0, 1, 16_383, 16_384, 40_000, plain.length - 1, plain.length])
      expect(text.from(start)).toBe(plain.slice(start));
  });
});
