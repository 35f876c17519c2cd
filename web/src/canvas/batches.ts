/**
 * Work that is cheaper for many at once. What is asked for in one go is done in one batch; while as
 * many batches run as may, the newest wishes gather for the next, and those that nobody has any more
 * are dropped. What is done ahead of time comes after all that is asked for.
 */

import { DroppedError, type Waiting } from "./jobs";

interface Wish<T> {
  name: string;
  /** Names of one group may share a batch. */
  group: number;
  waiting: Waiting<T>[];
  isStarted: boolean;
  isAhead: boolean;
}

interface Batch<T> {
  wishes: Map<string, Wish<T>>;
  abort: AbortController;
}

/** Do the work for each name, and tell of each; those that are not told of have failed. */
export type Work<T> = (
  group: number,
  names: readonly string[],
  tell: (name: string, value: Promise<T>) => void,
  signal: AbortSignal,
) => Promise<void>;

const MOST_NAMES = 64;
const MOST_RUNNING = 2;

export class Batches<T> {
  /** In the order asked for, the newest last. */
  readonly #wishes = new Map<string, Wish<T>>();
  readonly #running = new Set<Batch<T>>();
  #isPlanned = false;

  constructor(readonly work: Work<T>) {}

  /** Do the work for a name, or wait for it where it is already asked for. */
  run(group: number, name: string, isWanted: () => boolean = () => true, isAhead = false): Promise<T> {
    return new Promise((done, failed) => {
      const key = keyOf(group, name);
      const wish = this.#wishes.get(key) ?? { name, group, waiting: [], isStarted: false, isAhead };
      wish.isAhead &&= isAhead;
      wish.waiting.push({ isWanted, done, failed });
      if (!wish.isStarted) this.#wishes.delete(key); // the newest wish comes last
      this.#wishes.set(key, wish);
      this.#plan();
    });
  }

  /** Start when all that is asked for in this go has been. */
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    queueMicrotask(() => {
      this.#isPlanned = false;
      this.#start();
    });
  }

  #start(): void {
    for (const wish of [...this.#wishes.values()]) {
      if (!wish.isStarted && !isWanted(wish)) this.#fail(wish, new DroppedError());
    }
    for (const batch of [...this.#running]) {
      const left = [...batch.wishes.values()];
      const isUnwanted = left.length > 0 && !left.some(isWanted);
      if (isUnwanted || (this.#isCrowded() && !left.every(isWanted))) this.#abort(batch);
    }
    while (this.#running.size < MOST_RUNNING) {
      const next = this.#next();
      if (!next.length) return;
      void this.#perform(next);
    }
  }

  /** Whether somebody waits for a batch to end. */
  #isCrowded(): boolean {
    const waiting = [...this.#wishes.values()].some((wish) => !wish.isStarted && !wish.isAhead);
    return waiting && this.#running.size >= MOST_RUNNING;
  }

  /** The newest wishes of one group, in the order asked for; what is ahead only while nothing runs. */
  #next(): Wish<T>[] {
    const waiting = [...this.#wishes.values()].filter((wish) => !wish.isStarted);
    const asked = waiting.filter((wish) => !wish.isAhead);
    if (!asked.length && this.#running.size) return [];
    const group = (asked.at(-1) ?? waiting[0])?.group;
    const alike = (asked.length ? asked : waiting).filter((wish) => wish.group === group);
    return asked.length ? alike.slice(-MOST_NAMES) : alike.slice(0, MOST_NAMES);
  }

  async #perform(wishes: Wish<T>[]): Promise<void> {
    const { group } = wishes[0]!;
    const batch = { wishes: new Map(wishes.map((wish) => [wish.name, wish])), abort: new AbortController() };
    for (const wish of wishes) wish.isStarted = true;
    this.#running.add(batch);
    const tell = (name: string, value: Promise<T>): void => {
      const wish = batch.wishes.get(name);
      batch.wishes.delete(name);
      if (wish) void this.#settle(wish, value);
    };
    let reason: unknown = new Error("The answer was cut short.");
    try {
      await this.work(group, [...batch.wishes.keys()], tell, batch.abort.signal);
    } catch (error) {
      reason = error;
    }
    for (const wish of batch.wishes.values()) this.#fail(wish, reason);
    this.#running.delete(batch);
    this.#start();
  }

  async #settle(wish: Wish<T>, value: Promise<T>): Promise<void> {
    try {
      const made = await value;
      this.#forget(wish);
      for (const { done } of wish.waiting) done(made);
    } catch (error) {
      this.#fail(wish, error);
    }
  }

  /** Give a batch up; what somebody still wants of it is asked for again, after what is newer. */
  #abort(batch: Batch<T>): void {
    for (const wish of batch.wishes.values()) {
      if (isWanted(wish)) wish.isStarted = false;
      else this.#fail(wish, new DroppedError());
    }
    batch.wishes.clear();
    this.#running.delete(batch);
    batch.abort.abort();
  }

  #fail(wish: Wish<T>, reason: unknown): void {
    this.#forget(wish);
    for (const { failed } of wish.waiting) failed(reason);
  }

  #forget(wish: Wish<T>): void {
    const key = keyOf(wish.group, wish.name);
    if (this.#wishes.get(key) === wish) this.#wishes.delete(key);
  }
}

function keyOf(group: number, name: string): string {
  return `${group} ${name}`;
}

function isWanted<T>(wish: Wish<T>): boolean {
  return wish.waiting.some((each) => each.isWanted());
}
