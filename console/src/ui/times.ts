/** Moments as AWS's console shows them: `November 29, 2026, 14:05 (UTC+01:00)`. */
const FORMAT = new Intl.DateTimeFormat("en-US", {
  year: "numeric",
  month: "long",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
  timeZoneName: "longOffset",
});

export function moment(date: Date | undefined): string {
  if (date === undefined) return "-";
  const parts = Object.fromEntries(FORMAT.formatToParts(date).map(({ type, value }) => [type, value]));
  const zone = (parts["timeZoneName"] ?? "").replace(/^GMT/, "UTC");
  return `${parts["month"]} ${parts["day"]}, ${parts["year"]}, ${parts["hour"]}:${parts["minute"]} (${zone})`;
}

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "always" });

/** `3 days ago`; "-" for never. */
export function ago(date: Date | undefined, now: number = Date.now()): string {
  if (date === undefined) return "-";
  const seconds = (date.getTime() - now) / 1000;
  const unit = UNITS.find(([, length]) => Math.abs(seconds) >= length);
  return unit === undefined ? "just now" : RELATIVE.format(Math.trunc(seconds / unit[1]), unit[0]);
}

/** `1 hour`, `90 minutes`, `12 hours`: the length of a session. */
export function duration(seconds: number): string {
  const [amount, unit] = seconds % 3600 === 0 ? [seconds / 3600, "hour"] : [Math.round(seconds / 60), "minute"];
  return `${amount} ${unit}${amount === 1 ? "" : "s"}`;
}
