/** The store and its runs, as the server tells of them, kept up to date while they grow. */

import { api, ApiError } from "../api/client";
import type { KeyChange, ProblemEvent, RunSummary, StoreSummary } from "../api/types";
import { pairsOf } from "../model/rows";
import { runColors } from "../model/runColors";
import { view } from "./view.svelte";

type OnChange = (change: KeyChange) => void;

const RELOAD_EVERY_MS = 1000;

class Library {
  store = $state.raw<StoreSummary | null>(null);
  /** Newest first. */
  runs = $state.raw<readonly RunSummary[]>([]);
  isLoaded = $state(false);
  /** Why the runs could not be asked for; null while all is well. */
  error = $state.raw<string | null>(null);
  /** False while the server does not answer: what is shown is then what it last said. */
  isConnected = $state(true);
  /** Raised when everything that was remembered has to be asked for anew. */
  epoch = $state(0);

  colors = $derived(runColors(this.runs));
  shownRuns = $derived.by(() => {
    const ids = view.current.runs && new Set(view.current.runs);
    return ids ? this.runs.filter(({ id }) => ids.has(id)) : this.runs;
  });
  /** Each key of each run that is shown. */
  pairs = $derived(pairsOf(this.shownRuns, view.current.keys));

  #listeners = new Set<OnChange>();
  #events: EventSource | null = null;
  #reload: ReturnType<typeof setTimeout> | undefined;
  #isLost = false;

  /** Load all and follow the store; returned is what stops it. */
  start(): () => void {
    void this.load();
    this.#listen();
    document.addEventListener("visibilitychange", this.#onVisibility);
    return () => {
      document.removeEventListener("visibilitychange", this.#onVisibility);
      this.#events?.close();
      clearTimeout(this.#reload);
    };
  }

  load = async (): Promise<void> => {
    try {
      const [store, runs] = await Promise.all([api.store(), api.runs()]);
      this.store = store;
      this.runs = runs.toSorted((a, b) => b.created - a.created || (a.id < b.id ? 1 : -1));
      [this.error, this.isLoaded] = [null, true];
      if (store.indexing) this.#reloadSoon();
    } catch (error) {
      this.error = error instanceof ApiError ? error.message : String(error);
    }
  };

  run(id: string): RunSummary | undefined {
    return this.runs.find((run) => run.id === id);
  }

  /** Be told of new images; returned is what ends it. */
  onChange(listener: OnChange): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A hidden page gives its connection back: browsers allow six to a server. */
  #onVisibility = (): void => {
    if (document.hidden) {
      this.#events?.close();
      this.#events = null;
      this.#isLost = true;
    } else if (!this.#events) this.#listen();
  };

  #listen(): void {
    const events = api.events();
    this.#events = events;
    events.addEventListener("open", this.#onOpen);
    events.addEventListener("error", () => this.#onError(events));
    events.addEventListener("change", (event: MessageEvent<string>) => {
      const change = JSON.parse(event.data) as KeyChange;
      for (const listener of this.#listeners) listener(change);
      this.#reloadSoon();
    });
    events.addEventListener("run", () => this.#reloadSoon());
    events.addEventListener("problem", (event: MessageEvent<string>) => {
      const { text } = JSON.parse(event.data) as ProblemEvent;
      const store = this.store;
      if (store && !store.problems.includes(text)) {
        this.store = { ...store, problems: [...store.problems, text] };
      }
    });
  }

  #onOpen = (): void => {
    this.isConnected = true;
    if (!this.#isLost) return;
    this.#isLost = false;
    this.epoch += 1;
    void this.load();
  };

  #onError(events: EventSource): void {
    [this.isConnected, this.#isLost] = [false, true];
    if (events.readyState !== EventSource.CLOSED || events !== this.#events) return;
    setTimeout(() => events === this.#events && this.#listen(), RELOAD_EVERY_MS);
  }

  #reloadSoon(): void {
    this.#reload ??= setTimeout(() => {
      this.#reload = undefined;
      void this.load();
    }, RELOAD_EVERY_MS);
  }
}

export const library = new Library();
