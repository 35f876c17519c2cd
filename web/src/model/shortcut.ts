/** What a key does, and how the sheet of shortcuts spells it. */

export interface Shortcut {
  /** As `KeyboardEvent.key` names them; any of these. Prefix `Shift+`, `Alt+` or `Mod+` (Ctrl or ⌘). */
  readonly keys: readonly string[];
  readonly text: string;
  readonly run: (event: KeyboardEvent) => void;
}

/** Return whether a pressed key is one of a shortcut's. Letters are the same in either case. */
export function isPressed(shortcut: Shortcut, event: KeyboardEvent): boolean {
  return shortcut.keys.some((written) => {
    const parts = written === "+" ? ["+"] : written.split("+");
    const key = parts.at(-1)!;
    const isLetter = /^[a-z]$/i.test(key);
    const wantsShift = parts.includes("Shift");
    return (
      key.toLowerCase() === event.key.toLowerCase() &&
      parts.includes("Mod") === (event.ctrlKey || event.metaKey) &&
      parts.includes("Alt") === event.altKey &&
      // A sign such as ? is typed with shift on some keyboards and without on others.
      (!(isLetter || key.length > 1) || wantsShift === event.shiftKey)
    );
  });
}

/** Return whether a key press belongs to a field that is being written in. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "range", "button"].includes(target.type);
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

const NAMES: Readonly<Record<string, string>> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  " ": "Space",
  Escape: "Esc",
  Mod: "Ctrl",
};

/** `Shift+ArrowLeft` as `Shift ←`. */
export function keyText(written: string): string {
  if (written === "+") return written;
  return written
    .split("+")
    .map((part) => NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part))
    .join(" ");
}
