/** The one overlay style of all panels: in the address, and remembered by the browser. */

import { jsonFromStyle, styleFromJson, type OverlayStyle } from "../model/overlays";
import { view } from "./view.svelte";

const STORED_AS = "filmstrip.overlays";

class Overlays {
  /** What the address says counts; without it, what was last chosen here. */
  #remembered = remembered();
  style = $derived<OverlayStyle>(styleFromJson(view.current.overlays || this.#remembered));

  change(fields: Partial<OverlayStyle>): void {
    const text = jsonFromStyle({ ...this.style, ...fields });
    view.change({ overlays: text });
    try {
      localStorage.setItem(STORED_AS, text);
    } catch {
      // Private windows may refuse: then it is not remembered.
    }
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
