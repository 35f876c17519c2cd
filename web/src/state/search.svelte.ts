/** What a query finds, page after page. */

import { api, ApiError } from "../api/client";
import type { Item } from "../api/types";
import { sampleQuery } from "../model/query";
import type { Place } from "../model/viewState";

const PAGE = 200;

class Search {
  items = $state.raw<readonly Item[]>([]);
  total = $state(0);
  isTotalExact = $state(true);
  /** Why the query was refused, in one line. */
  error = $state.raw<string | null>(null);
  isLoading = $state(false);
  /** How many images came since the query was asked. */
  numNew = $state(0);

  #query: string | undefined;
  #cursor: string | null = null;
  #abort: AbortController | null = null;

  get hasMore(): boolean {
    return this.items.length < this.total || this.#cursor !== null;
  }

  /** Ask a query from its first page; what is found stays until the answer is there. */
  async ask(query: string, { again = false } = {}): Promise<void> {
    if (query === this.#query && !again) return;
    this.#query = query;
    [this.#cursor, this.numNew] = [null, 0];
    await this.#load(true);
  }

  /** Return the image at a place, also when it is not among those found. */
  async at({ run, key, step, index }: Place): Promise<Item | null> {
    const isHere = (item: Item): boolean =>
      item.run_id === run && item.key === key && item.step === step && item.index === index;
    const found = this.items.find(isHere);
    if (found) return found;
    return (await api.firstImages(`${sampleQuery(run, key, index)} step:${step}`, 10)).find(isHere) ?? null;
  }

  /** Ask for the next page. */
  async more(): Promise<void> {
    if (!this.isLoading && this.#cursor !== null) await this.#load(false);
  }

  note = ({ num_images }: { num_images: number }): void => {
    this.numNew += num_images;
  };

  /** Load a page, in the parts in which it comes when its images are hard to find. */
  async #load(isFirst: boolean): Promise<void> {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    this.isLoading = true;
    try {
      let found = isFirst ? [] : this.items;
      const wanted = found.length + PAGE;
      do {
        const limit = wanted - found.length;
        const page = await api.images({ q: this.#query ?? "", cursor: this.#cursor, limit }, abort.signal);
        [this.items, this.#cursor] = [(found = [...found, ...page.items]), page.cursor];
        [this.total, this.isTotalExact, this.error] = [page.total, page.is_total_exact, null];
      } while (found.length < wanted && this.#cursor !== null);
    } catch (error) {
      if (abort.signal.aborted) return;
      this.error = error instanceof ApiError ? error.message : String(error);
      if (isFirst) this.#query = undefined;
    }
    if (this.#abort === abort) this.isLoading = false;
  }
}

export const search = new Search();
