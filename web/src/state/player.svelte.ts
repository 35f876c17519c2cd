/** Plays the slider forward: one stop after the other, each shown before the next. */

import { stopFrom } from "../model/timeline";
import { timeline } from "./timeline.svelte";
import { view } from "./view.svelte";

export const RATES = [1, 2, 5, 10, 20] as const;

class Player {
  isPlaying = $state(false);
  /** Stops per second. */
  rate = $state<number>(5);
  /** Whether all that the slider stands at is on the screen; the view that is open says it. */
  isSettled: () => boolean = () => true;

  #timer: ReturnType<typeof setTimeout> | undefined;

  toggle = (): void => (this.isPlaying ? this.stop() : this.start());

  start(): void {
    const { stops } = timeline;
    const last = stops.at(-1);
    if (stops.length < 2 || last === undefined) return;
    const { at } = view.current;
    if (at === null || at >= last) view.change({ at: stops[0]! });
    this.isPlaying = true;
    this.#next();
  }

  stop = (): void => {
    this.isPlaying = false;
    clearTimeout(this.#timer);
  };

  /** Go some stops on; going past the last is the newest, which stays newest. */
  step(count: number): void {
    this.stop();
    this.#go(count);
  }

  #go(count: number): void {
    const at = stopFrom(timeline.stops, view.current.at, count);
    if (at !== undefined) view.change({ at });
  }

  #next(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.isPlaying) return;
      if (this.isSettled()) this.#go(1);
      if (view.current.at === timeline.stops.at(-1)) this.stop();
      else this.#next();
    }, 1000 / this.rate);
  }
}

export const player = new Player();
