import { expect, test } from "vitest";
import golden from "../../../tests/golden/colors.json";
import { colorOf, inkOn, isBackground, rgbFromHex } from "./colors";

test("every name has the colour and the ink that Python gives it", () => {
  const found = golden.colors.map(({ name }) => ({
    name,
    color: colorOf(name),
    ink: inkOn(colorOf(name)),
  }));
  expect(found).toEqual(golden.colors);
});

test("background is what it is in Python", () => {
  const found = golden.background.map(({ id, label }) => isBackground(id, label ?? undefined));
  expect(found).toEqual(golden.background.map((each) => each.is_background));
});

test("hex digits are red, green and blue", () => {
  expect(rgbFromHex("#ff8001")).toEqual({ red: 255, green: 128, blue: 1 });
});
