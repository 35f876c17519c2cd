/**
 * Work that is shared by those who wait for it, newest first, and dropped when nobody does. What is
 * done ahead of time comes after all that is asked for, oldest first.
 */

interface Job<T> {
  work: () => Promise<T>;
  waiting: Waiting<T>[];
  isStarted: boolean;
  /** Whether nobody waits to see it yet. */
  isAhead: boolean;
}

/** Who waits for work, and how to tell them. */
export interface Waiting<T> {
  isWanted: () => boolean;
  done: (value: T) => void;
  failed: (error: unknown) => void;
}

/** What a waiter is told when its work was dropped. */
export class DroppedError extends Error {}

export class Jobs<T> {
  readonly #jobs = new Map<string, Job<T>>();
  #numRunning = 0;

  constructor(readonly maxRunning: number) {}

  /** Do the work named `key`, or wait for it where it is already asked for. */
  run(
    key: string,
    work: () => Promise<T>,
    isWanted: () => boolean = () => true,
    isAhead = false,
  ): Promise<T> {
    return new Promise((done, failed) => {
      const job = this.#jobs.get(key) ?? { work, waiting: [], isStarted: false, isAhead };
      job.isAhead &&= isAhead;
      job.waiting.push({ isWanted, done, failed });
      if (!job.isStarted) {
        this.#jobs.delete(key); // the newest wish comes last
        this.#jobs.set(key, job);
      }
      this.#start();
    });
  }

  #start(): void {
    const jobs = [...this.#jobs].filter(([, job]) => !job.isStarted);
    const asked = jobs.filter(([, job]) => !job.isAhead).reverse();
    const ahead = jobs.filter(([, job]) => job.isAhead);
    for (const [key, job] of [...asked, ...ahead]) {
      if (this.#numRunning >= this.maxRunning) return;
      if (job.isStarted) continue;
      if (job.waiting.some((each) => each.isWanted())) void this.#perform(key, job);
      else this.#drop(key, job);
    }
  }

  #drop(key: string, job: Job<T>): void {
    this.#jobs.delete(key);
    for (const { failed } of job.waiting) failed(new DroppedError());
  }

  async #perform(key: string, job: Job<T>): Promise<void> {
    job.isStarted = true;
    this.#numRunning++;
    try {
      const value = await job.work();
      for (const { done } of job.waiting) done(value);
    } catch (error) {
      for (const { failed } of job.waiting) failed(error);
    } finally {
      this.#jobs.delete(key);
      this.#numRunning--;
      this.#start();
    }
  }
}
