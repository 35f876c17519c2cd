/** What Focus and Compare add to the state of the page, and the same as text for the address. */

import { clamp, FIT, textFromView, viewFromText, type View } from "./viewport";
import { choiceFromText, textFromChoice, WHOLE, type WindowChoice } from "./window";

export type CompareMode = "side" | "wipe" | "flicker" | "difference";

export const COMPARE_MODES: readonly { mode: CompareMode; text: string }[] = [
  { mode: "side", text: "Side by side" },
  { mode: "wipe", text: "Wipe" },
  { mode: "flicker", text: "Flicker" },
  { mode: "difference", text: "Difference" },
];

export interface Inspect {
  readonly view: View;
  readonly window: WindowChoice;
  readonly mode: CompareMode;
  /** Where the wipe stands, 0 to 1. */
  readonly split: number;
  /** What the difference is multiplied with. */
  readonly gain: number;
}

export const INSPECT: Inspect = { view: FIT, window: WHOLE, mode: "side", split: 0.5, gain: 1 };

export const MAX_GAIN = 64;

/** What differs from the start, as `zoom:4,0.5,0.5;mode:wipe`. */
export function textFromInspect(inspect: Inspect): string {
  const parts = {
    zoom: textFromView(inspect.view),
    window: textFromChoice(inspect.window),
    mode: inspect.mode === INSPECT.mode ? "" : inspect.mode,
    split: inspect.split === INSPECT.split ? "" : String(Number(inspect.split.toFixed(4))),
    gain: inspect.gain === INSPECT.gain ? "" : String(inspect.gain),
  };
  return Object.entries(parts)
    .filter(([, text]) => text)
    .map(([name, text]) => `${name}:${text}`)
    .join(";");
}

/** The state that `textFromInspect` wrote; what cannot be read is as at the start. */
export function inspectFromText(text: string): Inspect {
  const parts = new Map(
    text.split(";").map((part): [string, string] => {
      const [name = "", ...rest] = part.split(":");
      return [name, rest.join(":")];
    }),
  );
  const number = (name: string, low: number, high: number, start: number): number => {
    const value = Number(parts.get(name) || NaN);
    return Number.isFinite(value) ? clamp(value, low, high) : start;
  };
  return {
    view: viewFromText(parts.get("zoom")),
    window: choiceFromText(parts.get("window")),
    mode: COMPARE_MODES.find(({ mode }) => mode === parts.get("mode"))?.mode ?? INSPECT.mode,
    split: number("split", 0, 1, INSPECT.split),
    gain: number("gain", 1, MAX_GAIN, INSPECT.gain),
  };
}
