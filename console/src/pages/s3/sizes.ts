/** Sizes as AWS's console shows them: `1.5 KB`, units of 1024. */
const UNITS = ["KB", "MB", "GB", "TB", "PB"];

export function sizeText(bytes: number | undefined): string {
  if (bytes === undefined) return "-";
  if (bytes < 1024) return `${bytes} B`;
  let [amount, unit] = [bytes / 1024, 0];
  while (amount >= 1023.95 && unit < UNITS.length - 1) [amount, unit] = [amount / 1024, unit + 1];
  return `${amount.toFixed(1)} ${UNITS[unit]}`;
}
