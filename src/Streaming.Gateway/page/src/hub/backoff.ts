/** The delay before a retry (0 is the first), in milliseconds: 250, doubled up to 10,000, less a random part of up to a fifth. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const whole = Math.min(10_000, 250 * 2 ** Math.min(attempt, 16));
  return Math.round(whole * (1 - 0.2 * random()));
}
