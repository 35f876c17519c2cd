/** Two images to compare, picked one after the other. */

import { type Place } from "../model/viewState";
import { view } from "./view.svelte";

class Pick {
  first = $state.raw<Place | null>(null);

  /** The first is remembered; the second opens them side by side; the same again forgets it. */
  add = (place: Place): void => {
    const first = this.first;
    if (!first) this.first = place;
    else {
      this.first = null;
      if (!isSame(first, place)) view.change({ view: "compare", place: first, other: place }, { push: true });
    }
  };

  isFirst(place: Place): boolean {
    return this.first !== null && isSame(this.first, place);
  }

  clear = (): void => {
    this.first = null;
  };
}

function isSame(a: Place, b: Place): boolean {
  return a.run === b.run && a.key === b.key && a.step === b.step && a.index === b.index;
}

export const pick = new Pick();
