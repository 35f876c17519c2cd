/** What the slider may show next is fetched and decoded before it is asked for. */

import type { Pictures } from "../canvas/pictures";
import type { Item } from "../api/types";
import { thumbnailFor } from "../model/thumbnails";
import type { Pair } from "../model/rows";
import { directionOf, stopFrom, stopsAhead } from "../model/timeline";
import { WHOLE } from "../model/window";
import { images } from "./images.svelte";
import { timeline } from "./timeline.svelte";

/** Long enough that a slider that jumps about fetches nothing ahead. */
const QUIET_MS = 40;

interface Cell {
  width: number;
  height: number;
}

class Ahead {
  #axis = "";
  #at: number | null = null;
  /** 1 or -1 when the slider came from the stop next to this one, and may go on that way; else 0. */
  #direction = 0;
  #turn = 0;
  /** What gives up the fetching of a stop, by all that it is fetched for. */
  readonly #fetching = new Map<string, AbortController>();

  /** Fetch the stops where the slider walks to, or those around it; call it in an effect. */
  follow(
    pictures: Pictures,
    pairs: readonly Pair[],
    { axis, at }: { axis: string; at: number | null },
    cell: Cell,
  ): () => void {
    const all = timeline.stops;
    this.#note(axis, at);
    const ids = pairs.map(({ id }) => id).join("\n");
    const nameOf = (stop: number | undefined): string => `${stop} ${axis}\n${ids}`;
    const stops = stopsAhead(all, at, this.#direction);
    const kept = new Set([stopFrom(all, at, 0), ...stops].map(nameOf)); // also what is now waited for
    for (const name of this.#fetching.keys()) if (!kept.has(name)) this.#giveUp(name);
    const turn = ++this.#turn;
    const fetchAll = async (): Promise<void> => {
      for (const stop of stops) {
        if (turn !== this.#turn) return;
        const name = nameOf(stop);
        if (!this.#fetching.has(name)) await this.#fetch(name, pictures, pairs, { axis, at: stop }, cell);
      }
    };
    const timer = setTimeout(fetchAll, this.#direction ? 0 : QUIET_MS);
    return () => clearTimeout(timer);
  }

  #note(axis: string, at: number | null): void {
    if (axis === this.#axis && at === this.#at) return;
    this.#direction = axis === this.#axis ? directionOf(timeline.stops, this.#at, at) : 0;
    [this.#axis, this.#at] = [axis, at];
  }

  #giveUp(name: string): void {
    this.#fetching.get(name)?.abort();
    this.#fetching.delete(name);
  }

  async #fetch(
    name: string,
    pictures: Pictures,
    pairs: readonly Pair[],
    place: { axis: string; at: number },
    cell: Cell,
  ): Promise<void> {
    const abort = new AbortController();
    const isWanted = (): boolean => !abort.signal.aborted;
    this.#fetching.set(name, abort);
    const items = await images.prefetch(pairs, place, abort.signal);
    await Promise.allSettled(
      (isWanted() ? items : []).map((item) => pictures.load(item, thumbnailIn(cell, item), WHOLE, isWanted, true)),
    );
    if (this.#fetching.get(name) === abort) this.#fetching.delete(name);
  }
}

function thumbnailIn(cell: Cell, { record }: Item) {
  const scale = Math.min(cell.width / record.width, cell.height / record.height) * devicePixelRatio;
  return thumbnailFor(record, Math.max(record.width, record.height) * scale);
}

export const ahead = new Ahead();
