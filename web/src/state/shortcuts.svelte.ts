/** The keys that do something now, by what part of the page they belong to. */

import { untrack } from "svelte";
import { isPressed, isTyping, type Shortcut } from "../model/shortcut";

class Shortcuts {
  /** In the order they came; where two want a key, the later has it. */
  groups = $state.raw<readonly { title: string; shortcuts: readonly Shortcut[] }[]>([]);
  isSheetOpen = $state(false);

  /** Add shortcuts until the returned function is called: `$effect(() => shortcuts.add(…))`. */
  add(title: string, shortcuts: readonly Shortcut[]): () => void {
    const group = { title, shortcuts };
    this.groups = [...untrack(() => this.groups), group];
    return () => {
      this.groups = this.groups.filter((one) => one !== group);
    };
  }

  onkeydown = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || isTyping(event.target) || this.isSheetOpen) return;
    const found = this.groups.findLast(({ shortcuts }) => shortcuts.some((one) => isPressed(one, event)));
    const shortcut = found?.shortcuts.find((one) => isPressed(one, event));
    if (!shortcut || isForControl(event)) return;
    event.preventDefault();
    shortcut.run(event);
  };
}

/** Space and Enter press the button that has the focus, and are nobody else's then. */
function isForControl({ key, target }: KeyboardEvent): boolean {
  return (
    (key === " " || key === "Enter") &&
    target instanceof HTMLElement &&
    target.closest("button, a, summary, input, [role=option]") !== null
  );
}

export const shortcuts = new Shortcuts();
