/** Where images exist on the axis of the slider, for the keys that are shown. */

import { api } from "../api/client";
import type { KeyChange, Steps } from "../api/types";
import { pairId, type Pair } from "../model/rows";
import { positionsOf, stepShown, union, withStep } from "../model/timeline";
import { library } from "./library.svelte";
import { series } from "./series.svelte";
import { view } from "./view.svelte";

/** So many keys of runs have their marks on the slider; more would be as many requests. */
export const MOST_MARKED = 300;
const AT_ONCE = 4;

class Timeline {
  #steps = $state.raw<ReadonlyMap<string, Steps>>(new Map());
  #asked = new Set<string>();
  #epoch = 0;

  /** Positions of each key's images; keys that are not read yet are left out. */
  positions = $derived.by(() => {
    const { axis } = view.current;
    return library.pairs.slice(0, MOST_MARKED).flatMap((pair) => {
      const steps = this.#steps.get(pair.id);
      return steps ? [positionsOf(axis, steps, series.get(pair.run.id, axis))] : [];
    });
  });
  stops = $derived(union(this.positions));

  stepsOf(pair: string): Steps | undefined {
    return this.#steps.get(pair);
  }

  /** How many images a key has at a step; 0 while that is not known. */
  countAt(pair: string, step: number): number {
    const steps = this.#steps.get(pair);
    return steps?.counts[steps.steps.indexOf(step)] ?? 0;
  }

  /** The step that a key shows, where that is known without asking. */
  stepOf(pair: string, axis: string, at: number | null): number | undefined {
    const steps = axis === "step" || at === null ? this.#steps.get(pair) : undefined;
    return steps && stepShown(steps.steps, at);
  }

  /** Ask for what the slider needs and does not know; call it in an effect. */
  want(pairs: readonly Pair[], axis: string): void {
    if (this.#epoch !== library.epoch) {
      this.#epoch = library.epoch;
      this.#asked.clear();
    }
    const marked = pairs.slice(0, MOST_MARKED);
    const missing = marked.filter(({ id }) => !this.#asked.has(`steps ${id}`));
    for (const { id } of missing) this.#asked.add(`steps ${id}`);
    for (const part of parts(missing, AT_ONCE)) void this.#loadSteps(part);
    if (axis !== "step" && axis !== "time") series.want([...new Set(marked.map(({ run }) => run.id))], axis);
  }

  /** Note new images at once; the full list follows with the next look. */
  note = ({ run_id, key, step, num_images }: KeyChange): void => {
    const id = pairId(run_id, key);
    const known = this.#steps.get(id);
    if (!known) return;
    this.#steps = new Map(this.#steps).set(id, withStep(known, step, Date.now() / 1000, num_images));
    this.#asked.delete(`steps ${id}`);
  };

  async #loadSteps(pairs: readonly Pair[]): Promise<void> {
    for (const { id, run, key } of pairs) {
      try {
        const steps = await api.steps(run.id, key);
        this.#steps = new Map(this.#steps).set(id, steps);
      } catch {
        this.#asked.delete(`steps ${id}`); // its marks come with the next look
      }
    }
  }
}

/** Deal a list out to at most `count` parts. */
function parts<T>(list: readonly T[], count: number): T[][] {
  const dealt = Array.from({ length: Math.min(count, list.length) }, (): T[] => []);
  list.forEach((one, i) => dealt[i % count]!.push(one));
  return dealt;
}

export const timeline = new Timeline();
