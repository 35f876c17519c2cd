/** The state of the page, kept equal to the address bar. */

import { fromUrl, toUrl, type ViewState } from "../model/viewState";

class View {
  current = $state.raw<ViewState>(fromUrl(location.search));

  /** Change some fields. What the back button should undo is pushed, the rest replaces. */
  change(fields: Partial<ViewState>, { push = false } = {}): void {
    this.current = { ...this.current, ...fields };
    const url = location.pathname + toUrl(this.current);
    if (push) history.pushState(null, "", url);
    else this.#replaceSoon(url);
  }

  /** Read the address bar again: the back button was pressed. */
  readUrl = (): void => {
    this.current = fromUrl(location.search);
  };

  /** Browsers refuse more than some 100 changes in 30 s; a slider makes more. */
  #replaceSoon(url: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => history.replaceState(null, "", url), 150);
  }
  #timer: ReturnType<typeof setTimeout> | undefined;
}

export const view = new View();
