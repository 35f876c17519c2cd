/** Light, dark, or as the system has it; remembered in this browser. */

export type Theme = "auto" | "light" | "dark";

const THEMES: readonly Theme[] = ["auto", "light", "dark"];
const STORED_AS = "filmstrip.theme";

class ThemeChoice {
  current = $state<Theme>(THEMES.find((one) => one === remembered()) ?? "auto");

  constructor() {
    this.#show();
  }

  next = (): void => {
    this.current = THEMES[(THEMES.indexOf(this.current) + 1) % THEMES.length]!;
    this.#show();
    try {
      localStorage.setItem(STORED_AS, this.current);
    } catch {
      // Private windows may refuse: then it is not remembered.
    }
  };

  #show(): void {
    document.documentElement.dataset.theme = this.current;
  }
}

function remembered(): string | null {
  try {
    return localStorage.getItem(STORED_AS);
  } catch {
    return null;
  }
}

export const theme = new ThemeChoice();
