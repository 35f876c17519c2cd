import { expect, test } from "vitest";
import { safeText } from "./text";

test.each([
  ["plain text, ключ, 猫", "plain text, ключ, 猫"],
  ["line\nbreak\ttab", "line·break·tab"],
  ["\u202Eturned\u2066round\u0000", "·turned·round·"],
  ["<b>bold</b>", "<b>bold</b>"],
])("%j is drawn as %j", (text, drawn) => expect(safeText(text)).toBe(drawn));
