/** The state of the page, kept equal to the address bar. */

import { fromUrl, toUrl, type ViewState } from "../model/viewState";

const REPLACE_EVERY_MS = 400;

class View {
  current = $state.raw<ViewState>(fromUrl(location.search));

  /** Change some fields. What the back button should undo is pushed, the rest replaces. */
  change(fields: Partial<ViewState>, { push = false } = {}): void {
    this.current = { ...this.current, ...fields };
    const url = location.pathname + toUrl(this.current);
    if (push) {
      this.#replaceNow();
      history.pushState(null, "", url);
    } else this.#replaceSoon(url);
  }

  /** Read the address bar again: the back button was pressed. */
  readUrl = (): void => {
    this.#waiting = null;
    this.current = fromUrl(location.search);
  };

  /** Browsers refuse more than some 100 changes in 30 s; a slider makes more. */
  #replaceSoon(url: string): void {
    this.#waiting = url;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#replaceNow();
    }, REPLACE_EVERY_MS);
  }

  #replaceNow(): void {
    if (this.#waiting !== null) history.replaceState(null, "", this.#waiting);
    this.#waiting = null;
  }

  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting: string | null = null;
}

export const view = new View();
