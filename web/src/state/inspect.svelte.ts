/** Zoom, window and ways to compare: in the address, the same while one goes from picture to picture. */

import { inspectFromText, textFromInspect, type Inspect } from "../model/inspect";
import type { View } from "../model/viewport";
import { choiceFromText, textFromChoice, type Window, type WindowChoice } from "../model/window";
import { view } from "./view.svelte";

const STORED_AS = "filmstrip.windows";

class Inspection {
  current = $derived<Inspect>(inspectFromText(view.current.inspect));
  /** By key: the window that all its pictures are seen through. */
  #locked = $state.raw<Record<string, string>>(remembered());

  change(fields: Partial<Inspect>): void {
    view.change({ inspect: textFromInspect({ ...this.current, ...fields }) });
  }

  look = (at: View): void => this.change({ view: at });

  isLocked(key: string): boolean {
    return Object.hasOwn(this.#locked, key);
  }

  /** The window of a key's pictures. */
  windowOf(key: string): WindowChoice {
    return this.isLocked(key) ? choiceFromText(this.#locked[key]) : this.current.window;
  }

  choose(key: string, choice: WindowChoice): void {
    if (this.isLocked(key)) this.#store({ ...this.#locked, [key]: textFromChoice(choice) });
    else this.change({ window: choice });
  }

  /** See all pictures of a key through these values. */
  lock(key: string, { low, high }: Window): void {
    this.#store({ ...this.#locked, [key]: textFromChoice({ kind: "fixed", low, high }) });
  }

  unlock(key: string): void {
    const { [key]: _, ...others } = this.#locked;
    this.#store(others);
  }

  #store(locked: Record<string, string>): void {
    this.#locked = locked;
    try {
      localStorage.setItem(STORED_AS, JSON.stringify(locked));
    } catch {
      // Private windows may refuse: then it is not remembered.
    }
  }
}

function remembered(): Record<string, string> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(STORED_AS) ?? "{}");
    if (typeof kept !== "object" || kept === null) return {};
    return Object.fromEntries(
      Object.entries(kept).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
    );
  } catch {
    return {};
  }
}

export const inspection = new Inspection();
