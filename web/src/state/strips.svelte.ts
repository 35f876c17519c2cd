/** One image of each step of a key: what filmstrips show, fetched where they are looked at. */

import { api } from "../api/client";
import type { KeyChange, Item } from "../api/types";
import { sampleQuery } from "../model/query";
import { pairId } from "../model/rows";

/** Steps that are fetched together: a strip that is scrolled asks once in a while. */
const CHUNK = 100;

export interface Sample {
  readonly run: string;
  readonly key: string;
  readonly index: number;
}

class Strips {
  #version = $state(0);
  #known = new Map<string, Map<number, Item | null>>();
  #asking = new Set<string>();

  /** The image at a step; null where that step has none of this index, undefined while unknown. */
  at(sample: Sample, step: number): Item | null | undefined {
    void this.#version;
    return this.#known.get(nameOf(sample))?.get(step);
  }

  /** Ask for the images of steps, of which there may be many; call it in an effect. */
  want(sample: Sample, all: readonly number[], first: number, end: number): void {
    const name = nameOf(sample);
    for (let start = Math.floor(first / CHUNK) * CHUNK; start < end; start += CHUNK) {
      const steps = all.slice(start, start + CHUNK);
      const known = this.#known.get(name);
      const asked = `${name} ${steps[0]}..${steps.at(-1)}`;
      if (!steps.length || this.#asking.has(asked) || steps.every((step) => known?.has(step))) continue;
      void this.#load(sample, steps, asked);
    }
  }

  note = ({ run_id, key }: KeyChange): void => {
    for (const [name, steps] of this.#known) {
      if (!name.startsWith(`${pairId(run_id, key)}\n`)) continue;
      for (const [step, item] of steps) if (!item) steps.delete(step);
    }
    this.#version += 1;
  };

  async #load(sample: Sample, steps: readonly number[], asked: string): Promise<void> {
    this.#asking.add(asked);
    try {
      const q = `${sampleQuery(sample.run, sample.key, sample.index)} step:${steps[0]}..${steps.at(-1)}`;
      const items = await api.firstImages(q, CHUNK);
      const known = this.#known.get(nameOf(sample)) ?? new Map<number, Item | null>();
      for (const step of steps) known.set(step, null);
      for (const item of items) if (item.run_id === sample.run) known.set(item.step, item);
      this.#known.set(nameOf(sample), known);
      this.#version += 1;
    } catch {
      // It is asked for again when it is next looked at.
    } finally {
      this.#asking.delete(asked);
    }
  }
}

function nameOf({ run, key, index }: Sample): string {
  return `${pairId(run, key)}\n${index}`;
}

export const strips = new Strips();
