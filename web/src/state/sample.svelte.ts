/** One image by its place, what stands around it, and ways to go there. */

import { api, ApiError } from "../api/client";
import type { Item, RunSummary } from "../api/types";
import { keyQuery } from "../model/query";
import { pairId } from "../model/rows";
import type { Place } from "../model/viewState";
import { PART } from "./images.svelte";
import { library } from "./library.svelte";
import { timeline } from "./timeline.svelte";

const REMEMBERED = 100;

/** The parts of steps that were asked for; emptied when the store grows. */
const known = new Map<string, Promise<Item[]>>();

/** The images of a step, those of the part that a place is in. */
function itemsAt(place: Place): Promise<Item[]> {
  const part = partOf(place);
  const name = JSON.stringify([library.epoch, place.run, place.key, place.step, part]);
  let found = known.get(name);
  if (!found) {
    found = part ? itemsOfPart(place, part) : newest(place, PART);
    found.catch(() => known.delete(name));
    known.set(name, found);
    const oldest = known.keys().next().value;
    if (known.size > REMEMBERED && oldest) known.delete(oldest);
  }
  return found;
}

function partOf({ index }: Place): number {
  return Math.floor(index / PART);
}

function newest({ run, key, step }: Place, limit: number): Promise<Item[]> {
  return api.latest({ run: [run], key: [key], at: step, axis: "step", limit });
}

async function itemsOfPart(place: Place, part: number): Promise<Item[]> {
  const [first] = await newest(place, 1);
  if (!first) return [];
  const range = `index:${part * PART}..${(part + 1) * PART - 1}`;
  const items = await api.firstImages(keyQuery(place.run, place.key, `step:${first.step}`, range), PART);
  return items.filter(({ run_id }) => run_id === place.run);
}

export class Sample {
  /** Images of the step that is shown: a part when there are many, which begins at `#start`. */
  items = $state.raw<readonly Item[]>([]);
  #start = $state(0);
  item = $state.raw<Item | null>(null);
  error = $state.raw<string | null>(null);
  isLoading = $state(false);

  /** Logged numbers and texts at the step of the image. */
  values = $state.raw<Record<string, unknown>>({});

  #place: Place | null = null;
  #valuesOf = "";

  /** The run of the image. */
  run = $derived<RunSummary | undefined>(this.item ? library.run(this.item.run_id) : undefined);
  steps = $derived<readonly number[]>(
    this.item ? (timeline.stepsOf(pairId(this.item.run_id, this.item.key))?.steps ?? []) : [],
  );
  /** Where the image stands among the steps, the samples and the runs with its key. */
  stepPlace = $derived(this.item ? this.steps.indexOf(this.item.step) : -1);
  samplePlace = $derived(this.item ? this.#start + this.items.indexOf(this.item) : -1);
  numSamples = $derived.by(() => {
    const loaded = this.#start + this.items.length;
    if (!this.item || loaded < PART) return loaded;
    return Math.max(loaded, timeline.countAt(pairId(this.item.run_id, this.item.key), this.item.step));
  });
  runs = $derived<readonly RunSummary[]>(
    this.item ? library.shownRuns.filter((run) => run.keys.some(({ key }) => key === this.item!.key)) : [],
  );
  runPlace = $derived(this.runs.findIndex(({ id }) => id === this.item?.run_id));

  async load(place: Place): Promise<void> {
    this.#place = place;
    this.isLoading = true;
    try {
      const part = await itemsAt(place);
      const items = part.length ? part : await itemsAt({ ...place, index: 0 }); // a step of fewer
      if (this.#place !== place) return;
      this.#start = part.length ? partOf(place) * PART : 0;
      this.error = items.length ? null : `${place.key} has no image at or before step ${place.step}.`;
      this.items = items;
      this.item = items.find(({ index }) => index === place.index) ?? items[0] ?? null;
      this.#want(place);
      void this.#loadValues();
    } catch (error) {
      if (this.#place !== place) return;
      this.error = error instanceof ApiError ? error.message : String(error);
    } finally {
      if (this.#place === place) this.isLoading = false;
    }
  }

  #want({ run, key }: Place): void {
    const summary = library.run(run);
    if (summary) timeline.want([{ id: pairId(run, key), run: summary, key }], "step");
  }

  async #loadValues(): Promise<void> {
    const { item } = this;
    if (!item) return;
    const name = `${item.run_id} ${item.step}`;
    if (name === this.#valuesOf) return;
    this.#valuesOf = name;
    try {
      const { values } = await api.values(item.run_id, item.step);
      if (this.#valuesOf === name) this.values = values;
    } catch {
      if (this.#valuesOf === name) this.values = {};
    }
  }

  stepBy(by: number): Place | null {
    const step = this.steps[this.stepPlace + by];
    return this.item && this.stepPlace >= 0 && step !== undefined ? { ...placeOf(this.item), step } : null;
  }

  /** The key's first or last step, known from the run before its steps are. */
  edge(which: "first_step" | "last_step"): Place | null {
    const key = this.run?.keys.find((each) => each.key === this.item?.key);
    return this.item && key ? { ...placeOf(this.item), step: key[which] } : null;
  }

  sampleBy(by: number): Place | null {
    if (!this.item) return null;
    const item = this.items[this.samplePlace - this.#start + by];
    if (item) return placeOf(item);
    const index = by < 0 ? this.#start - 1 : this.#start + PART;
    return index >= 0 && index < this.numSamples ? { ...placeOf(this.item), index } : null;
  }

  /** The same key and sample in another run, at its first step when it began later. */
  runBy(by: number): Place | null {
    const run = this.runPlace >= 0 ? this.runs[this.runPlace + by] : undefined;
    return run && this.item ? inRun(placeOf(this.item), run) : null;
  }

  /** Load what may be wanted next. */
  async around(): Promise<Item[]> {
    const places = [this.stepBy(1), this.stepBy(-1), this.sampleBy(1), this.sampleBy(-1)];
    const found = await Promise.allSettled(
      places
        .filter((place) => place !== null)
        .map(async (place) => {
          const items = await itemsAt(place);
          return items.filter(({ index }) => index === place.index);
        }),
    );
    return found.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
  }
}

export function placeOf(item: Item): Place {
  return { run: item.run_id, key: item.key, step: item.step, index: item.index };
}

export function inRun(place: Place, run: RunSummary): Place {
  const own = run.keys.find(({ key }) => key === place.key) ?? run.keys[0];
  if (!own) return { ...place, run: run.id };
  return { ...place, run: run.id, key: own.key, step: Math.max(place.step, own.first_step) };
}

/** An image to begin with: the newest of the first key that is shown. */
export function firstPlace(): Place | null {
  const pair = library.pairs[0];
  const key = pair?.run.keys.find((each) => each.key === pair.key);
  return pair && key ? { run: pair.run.id, key: pair.key, step: key.last_step, index: 0 } : null;
}

/** What was asked for may have changed. */
export function forgetSamples(): void {
  known.clear();
}
