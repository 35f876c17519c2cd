/** An overlay style as the address and the browser keep it. */

import { isHexColor } from "./colors";
import { DEFAULT_STYLE, type OverlayStyle, type ScoreRange } from "./overlays";
import { clamp } from "./viewport";

const MIN_LINE_WIDTH = 0.5;
const MAX_LINE_WIDTH = 8;

/** The style that was kept, as far as it is one: what is damaged is at its default. */
export function styleFromJson(text: string | null): OverlayStyle {
  let kept: Partial<Record<keyof OverlayStyle, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(text ?? "{}");
    if (isObject(parsed)) kept = parsed;
  } catch {
    return { ...DEFAULT_STYLE };
  }
  return {
    areBoxesOn: flag(kept.areBoxesOn, true),
    areMasksOn: flag(kept.areMasksOn, true),
    hiddenLayers: texts(kept.hiddenLayers),
    hiddenClasses: texts(kept.hiddenClasses),
    soloClass: typeof kept.soloClass === "string" ? kept.soloClass : null,
    scoreRanges: ranges(kept.scoreRanges),
    colors: kept.colors ? entries(kept.colors, isHexColor) : DEFAULT_STYLE.colors,
    maskOpacity: clamp(finite(kept.maskOpacity, DEFAULT_STYLE.maskOpacity), 0, 1),
    hasContours: flag(kept.hasContours, true),
    isFilled: flag(kept.isFilled, false),
    lineWidth: clamp(finite(kept.lineWidth, DEFAULT_STYLE.lineWidth), MIN_LINE_WIDTH, MAX_LINE_WIDTH),
    hasLabels: flag(kept.hasLabels, true),
    difference: difference(kept.difference),
  };
}

/** The style as it is kept: only what is not at its default. */
export function jsonFromStyle(style: OverlayStyle): string {
  const changed = Object.entries(style).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(DEFAULT_STYLE[name as keyof OverlayStyle]),
  );
  return JSON.stringify(Object.fromEntries(changed));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function flag(value: unknown, standard: boolean): boolean {
  return typeof value === "boolean" ? value : standard;
}

function finite(value: unknown, standard: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : standard;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

function entries<T>(value: unknown, isGood: (each: unknown) => each is T): Record<string, T> {
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).filter((pair): pair is [string, T] => isGood(pair[1])));
}

function ranges(value: unknown): Record<string, ScoreRange> {
  const isRange = (each: unknown): each is { min?: unknown; max?: unknown } => isObject(each);
  return Object.fromEntries(
    Object.entries(entries(value, isRange)).map(([name, { min, max }]) => [
      name,
      // JSON has no infinity: an open end is null.
      { min: finite(min, -Infinity), max: finite(max, Infinity) },
    ]),
  );
}

function difference(value: unknown): OverlayStyle["difference"] {
  if (!isObject(value)) return null;
  const { a, b } = value;
  return typeof a === "string" && typeof b === "string" ? { a, b } : null;
}
