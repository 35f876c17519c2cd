/** Images that the grid shows: newest at or before the slider, remembered and fetched ahead. */

import { api, ApiError } from "../api/client";
import type { KeyChange, Item } from "../api/types";
import { keyQuery } from "../model/query";
import { pairId, type Pair } from "../model/rows";
import { library } from "./library.svelte";
import { timeline } from "./timeline.svelte";

/** Images of one key that one request brings; the next ones come when they are scrolled to. */
export const PART = 500;
/** Keys of runs that one request asks for. */
const PAIRS = 100;
const REMEMBERED = 4000;

/** What a key shows at a place of the slider; `total` counts what is not loaded yet, too. */
export interface Shown {
  readonly items: readonly Item[];
  readonly total: number;
}

/** What of it is loaded; all of it when `isWhole`. */
interface Known {
  readonly items: readonly Item[];
  readonly isWhole: boolean;
}

interface Wanted {
  readonly axis: string;
  readonly at: number | null;
}

class Images {
  /** Raised with each answer: who reads `shown` reads this too. */
  #version = $state(0);
  error = $state.raw<string | null>(null);
  #known = new Map<string, Known>();
  #abort: AbortController | null = null;
  #asking = "";
  #more = new Set<string>();
  /** Answers that are on their way, by what they are asked for. */
  #coming = new Map<string, Promise<void>>();

  /** What a key shows, or undefined while it is not known. */
  shown(pair: string, { axis, at }: Wanted): Shown | undefined {
    void this.#version;
    const known = this.#known.get(nameOf(pair, axis, at));
    return known && { items: known.items, total: totalOf(pair, known) };
  }

  /** Ask for what these keys show; what was asked for before and has not come is given up. */
  async want(pairs: readonly Pair[], wanted: Wanted): Promise<void> {
    const missing = this.#missing(pairs, wanted);
    const asking = [wanted.axis, wanted.at, ...missing.map(({ id }) => id)].join("\n");
    if (asking === this.#asking) return;
    this.#abort?.abort();
    this.#asking = asking;
    if (!missing.length) return;
    const abort = (this.#abort = new AbortController());
    try {
      await this.#arrival(missing, wanted);
      if (abort.signal.aborted) return;
      await this.#load(this.#missing(missing, wanted), wanted, abort.signal);
      this.error = null;
    } catch (error) {
      if (!abort.signal.aborted) this.error = error instanceof ApiError ? error.message : String(error);
    } finally {
      if (this.#abort === abort) this.#asking = "";
    }
  }

  /** Ask for what the slider may show next, and return it; failure means only that it comes later. */
  async prefetch(pairs: readonly Pair[], wanted: Wanted, signal: AbortSignal): Promise<Item[]> {
    const missing = this.#missing(pairs, wanted);
    try {
      if (missing.length) await this.#load(missing, wanted, signal);
    } catch {
      return [];
    }
    return pairs.flatMap(({ id }) => this.#known.get(nameOf(id, wanted.axis, wanted.at))?.items ?? []);
  }

  /** Ask for images of a key past those that are loaded. */
  async wantMore(pair: Pair, wanted: Wanted): Promise<void> {
    const name = nameOf(pair.id, wanted.axis, wanted.at);
    const known = this.#known.get(name);
    const last = known?.items.at(-1);
    if (!known || !last || known.isWhole || this.#more.has(name)) return;
    this.#more.add(name);
    const behind = keyQuery(pair.run.id, pair.key, `step:${last.step}`, `index:${last.index + 1}..`);
    try {
      const more = await api.firstImages(behind, PART);
      const items = [...known.items, ...more.filter(({ run_id }) => run_id === pair.run.id)];
      this.#remember(name, { items, isWhole: more.length < PART });
    } catch {
      // They are asked for again when they are next scrolled to.
    } finally {
      this.#more.delete(name);
    }
  }

  /** Forget what a key shows: it has new images. */
  note = ({ run_id, key }: KeyChange): void => {
    const start = `${pairId(run_id, key)}\n`;
    for (const name of this.#known.keys()) if (name.startsWith(start)) this.#known.delete(name);
    this.#version += 1;
  };

  forget(): void {
    this.#known.clear();
    this.#version += 1;
  }

  #missing(pairs: readonly Pair[], { axis, at }: Wanted): Pair[] {
    return pairs.filter(({ id }) => !this.#known.has(nameOf(id, axis, at)));
  }

  /** Wait for what is on its way already, since it was fetched ahead; whether it comes or not. */
  async #arrival(pairs: readonly Pair[], { axis, at }: Wanted): Promise<void> {
    await Promise.allSettled(pairs.map(({ id }) => this.#coming.get(nameOf(id, axis, at))));
  }

  async #load(pairs: readonly Pair[], wanted: Wanted, signal: AbortSignal): Promise<void> {
    for (let start = 0; start < pairs.length; start += PAIRS) {
      const part = pairs.slice(start, start + PAIRS);
      const names = part.map(({ id }) => nameOf(id, wanted.axis, wanted.at));
      const answer = this.#loadPart(part, wanted, signal);
      for (const name of names) this.#coming.set(name, answer);
      try {
        await answer;
      } finally {
        for (const name of names) if (this.#coming.get(name) === answer) this.#coming.delete(name);
      }
    }
  }

  async #loadPart(pairs: readonly Pair[], { axis, at }: Wanted, signal: AbortSignal): Promise<void> {
    const names = new Map(pairs.map(({ id }) => [id, nameOf(id, axis, at)]));
    const run = [...new Set(pairs.map((pair) => pair.run.id))];
    const key = [...new Set(pairs.map((pair) => pair.key))];
    const epoch = library.epoch;
    const items = await api.latest({ run, key, at, axis, limit: PART }, signal);
    if (epoch !== library.epoch) return;
    const found = Map.groupBy(items, (item) => pairId(item.run_id, item.key));
    for (const [pair, name] of names) {
      const own = found.get(pair) ?? [];
      const known = { items: own, isWhole: own.length < PART };
      this.#remember(name, known);
      // By its step it is found once the steps are known, if that is only now or later.
      if ((axis === "step" || at === null) && own.length) this.#remember(stepName(pair, own[0]!.step), known);
    }
  }

  #remember(name: string, known: Known): void {
    this.#known.delete(name);
    this.#known.set(name, known);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= REMEMBERED) break;
      this.#known.delete(oldest);
    }
    this.#version += 1;
  }
}

/** Two places of the slider that show the same step have the same name. */
function nameOf(pair: string, axis: string, at: number | null): string {
  const step = timeline.stepOf(pair, axis, at);
  return step === undefined ? `${pair}\n${axis}\n${at}` : stepName(pair, step);
}

function stepName(pair: string, step: number): string {
  return `${pair}\nstep\n${step}`;
}

/** How many images stand at the step that is shown; where unknown, no more than came. */
function totalOf(pair: string, { items, isWhole }: Known): number {
  return isWhole ? items.length : Math.max(items.length, timeline.countAt(pair, items[0]?.step ?? NaN));
}

export const images = new Images();
