/** Numbers, sizes and times as people read them. */

const counts = new Intl.NumberFormat("en");
const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function countText(count: number): string {
  return counts.format(count);
}

/** `1 image`, `2 images`. */
export function countOf(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? "" : "s"}`;
}

export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const power = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
}

/** A number with four significant digits: what a chart or a caption has room for. */
export function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return String(value);
  return size < 1e-3 || size >= 1e6 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

export function momentText(secs: number): string {
  return moments.format(secs * 1000);
}

/** Where the slider stands, in the words of its axis. */
export function positionText(axis: string, at: number): string {
  if (axis === "time") return momentText(at);
  return `${axis} ${axis === "step" ? countText(at) : numberText(at)}`;
}

/** How long it took, in its two largest units. */
export function durationText(secs: number): string {
  if (secs < 60) return `${Math.round(secs)} s`;
  const minutes = Math.round(secs / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Anything that a run may have logged or configured, on one line. */
export function valueText(value: unknown): string {
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string") return value;
  if (value && typeof value === "object" && "$float" in value) return String(value.$float);
  return JSON.stringify(value);
}
