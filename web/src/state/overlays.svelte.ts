/** The one overlay style of all panels: in the address, and remembered by the browser. */

import type { ImageRecord } from "../api/types";
import type { OverlayStyle } from "../model/overlays";
import { jsonFromStyle, styleFromJson } from "../model/styleJson";
import { view } from "./view.svelte";

const STORED_AS = "filmstrip.overlays";
/** Records that the panel of overlays is made from: those that were shown last. */
const MOST_SEEN = 400;

class Overlays {
  /** What the address says counts; without it, what was last chosen here. */
  #remembered = remembered();
  style = $derived<OverlayStyle>(styleFromJson(view.current.overlays || this.#remembered));

  /** Records that the panel of overlays is about: those looked into, else those shown lately. */
  records = $derived.by(() => this.#lookedInto ?? this.#shown);
  #lookedInto = $state.raw<readonly ImageRecord[] | null>(null);
  #shown = $state.raw<readonly ImageRecord[]>([]);
  #seen = new Set<ImageRecord>();
  #isWaiting = false;

  change(fields: Partial<OverlayStyle>): void {
    const text = jsonFromStyle({ ...this.style, ...fields });
    this.#remembered = text;
    view.change({ overlays: text });
    clearTimeout(this.#storing);
    this.#storing = setTimeout(() => remember(text), 200);
  }
  #storing: ReturnType<typeof setTimeout> | undefined;

  /** Be about these records alone until the returned function is called. */
  lookInto(records: readonly ImageRecord[]): () => void {
    this.#lookedInto = records;
    return () => (this.#lookedInto = null);
  }

  /** Note that a picture is shown: its layers and classes can be switched. */
  see(record: ImageRecord): void {
    if (!(record.boxes?.length || record.masks?.length)) return;
    this.#seen.delete(record);
    this.#seen.add(record);
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setTimeout(() => {
      this.#isWaiting = false;
      this.#seen = new Set([...this.#seen].slice(-MOST_SEEN));
      this.#shown = [...this.#seen];
    }, 100);
  }
}

function remember(text: string): void {
  try {
    localStorage.setItem(STORED_AS, text);
  } catch {
    // Private windows may refuse: then it is not remembered.
  }
}

function remembered(): string | null {
  try {
    return localStorage.getItem(STORED_AS);
  } catch {
    return null;
  }
}

export const overlays = new Overlays();
