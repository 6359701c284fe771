import type { Conversation } from "../contract.ts";

/** The parts of a stream, in tokens: those in attention, and those that were forgotten. */
export interface Gauge {
  readonly position: number;
  readonly sinks: number;
  /** Places that are never evicted. */
  readonly fixed: number;
  /** The window's size. */
  readonly window: number;
  readonly inFixed: number;
  readonly forgotten: number;
  readonly inWindow: number;
}

export function gaugeOf(info: Pick<Conversation, "sinks" | "fixed" | "window">, position: number): Gauge {
  const inFixed = Math.min(position, info.fixed);
  const inWindow = Math.min(position - inFixed, info.window);
  return {
    position,
    sinks: info.sinks,
    fixed: info.fixed,
    window: info.window,
    inFixed,
    inWindow,
    forgotten: position - inFixed - inWindow,
  };
}

/**
 * The widths of a bar's parts, which add up to 1. The forgotten part grows with the logarithm, so that the window stays visible
 * after a million forgotten tokens. The fixed part, often a handful of tokens, has a minimum width.
 */
export function bar(gauge: Gauge): { fixed: number; forgotten: number; window: number; free: number } {
  const fixed = Math.min(0.3, Math.max(0.03, gauge.fixed / (gauge.fixed + gauge.window)));
  const forgotten = gauge.forgotten === 0 ? 0 : Math.min(0.6, 0.12 * Math.log10(1 + gauge.forgotten));
  const rest = 1 - fixed - forgotten;
  const window = rest * (gauge.window === 0 ? 0 : gauge.inWindow / gauge.window);
  return { fixed, forgotten, window, free: rest - window };
}
