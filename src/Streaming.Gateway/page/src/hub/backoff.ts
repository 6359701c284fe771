/** Milliseconds before attempt `attempt` (0 is the first): doubling from a quarter of a second to ten seconds, up to a fifth less. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const whole = Math.min(10_000, 250 * 2 ** Math.min(attempt, 16));
  return Math.round(whole * (1 - 0.2 * random()));
}
