/** Logged numbers over the steps of runs, asked for once and again when a run goes on. */

import { api } from "../api/client";
import type { KeyChange, Series } from "../api/types";
import { pairId } from "../model/rows";
import { library } from "./library.svelte";

const REFRESH_EVERY_MS = 2000;

class SeriesStore {
  #known = $state.raw<ReadonlyMap<string, Series>>(new Map());
  #asked = new Set<string>();
  #grown = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  get(run: string, name: string): Series | undefined {
    return this.#known.get(pairId(run, name));
  }

  /** Ask for a number of runs where it is not known; call it in an effect. */
  want(runs: readonly string[], name: string): void {
    const missing = runs.filter(
      (run) => !this.#asked.has(pairId(run, name)) && library.run(run)?.series.includes(name),
    );
    if (missing.length) void this.#load(missing, name);
  }

  /** A run went on: its numbers are read again, soon and not at each image. */
  note = ({ run_id }: KeyChange): void => {
    this.#grown.add(run_id);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const grown = [...this.#known.values()].filter(({ run_id: run }) => this.#grown.has(run));
      this.#grown.clear();
      for (const [name, series] of Map.groupBy(grown, (one) => one.name)) {
        void this.#load(series.map(({ run_id: run }) => run), name);
      }
    }, REFRESH_EVERY_MS);
  };

  async #load(runs: readonly string[], name: string): Promise<void> {
    for (const run of runs) this.#asked.add(pairId(run, name));
    try {
      const found = await api.series(runs, [name]);
      const known = new Map(this.#known);
      for (const one of found) known.set(pairId(one.run_id, name), one);
      this.#known = known;
    } catch {
      for (const run of runs) this.#asked.delete(pairId(run, name));
    }
  }
}

export const series = new SeriesStore();
