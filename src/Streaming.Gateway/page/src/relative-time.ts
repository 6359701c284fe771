const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });
const date = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });
const dateAndYear = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric" });

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A time relative to now, for a list: "now", "5m ago", "yesterday", "Mar 3". */
export function relativeTime(then: Date, now: Date): string {
  const past = now.getTime() - then.getTime();
  if (past < minute) return "now";
  if (past < hour) return relative.format(-Math.floor(past / minute), "minute");
  const days = Math.round((midnight(now) - midnight(then)) / day);
  if (days === 0) return relative.format(-Math.floor(past / hour), "hour");
  if (days < 7) return relative.format(-days, "day");
  return (then.getFullYear() === now.getFullYear() ? date : dateAndYear).format(then);
}

function midnight(time: Date): number {
  return new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();
}
