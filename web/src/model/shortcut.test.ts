import { describe, expect, it } from "vitest";
import { isPressed, keyText } from "./shortcut";

function press(key: string, held: Partial<KeyboardEvent> = {}): KeyboardEvent {
  return { key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held } as KeyboardEvent;
}

const shortcut = (...keys: string[]) => ({ keys, text: "", run: () => undefined });

describe("a shortcut", () => {
  it.each([
    ["g", press("g"), true],
    ["g", press("G", { shiftKey: true }), false],
    ["Shift+g", press("G", { shiftKey: true }), true],
    ["g", press("g", { ctrlKey: true }), false],
    ["Mod+g", press("g", { metaKey: true }), true],
    ["?", press("?", { shiftKey: true }), true],
    ["?", press("?"), true],
    ["+", press("+", { shiftKey: true }), true],
    ["ArrowLeft", press("ArrowLeft"), true],
    ["ArrowLeft", press("ArrowLeft", { shiftKey: true }), false],
    ["Alt+ArrowLeft", press("ArrowLeft", { altKey: true }), true],
  ])("%s by %o: %s", (key, event, isHeld) => expect(isPressed(shortcut(key), event)).toBe(isHeld));

  it("is any of its keys", () => {
    expect(isPressed(shortcut(",", "["), press("["))).toBe(true);
  });
});

describe("the sheet", () => {
  it.each([
    ["g", "G"],
    ["Shift+ArrowLeft", "Shift ←"],
    [" ", "Space"],
    ["+", "+"],
    ["Escape", "Esc"],
  ])("spells %s as %s", (key, text) => expect(keyText(key)).toBe(text));
});
