import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_STYLE, type OverlayStyle } from "./overlays";
import { jsonFromStyle, styleFromJson } from "./styleJson";

describe("a style that is kept", () => {
  const styles: fc.Arbitrary<OverlayStyle> = fc.record({
    areBoxesOn: fc.boolean(),
    areMasksOn: fc.boolean(),
    hiddenLayers: fc.array(fc.string()),
    hiddenClasses: fc.array(fc.string()),
    soloClass: fc.option(fc.string()),
    scoreRanges: fc
      .dictionary(
        fc.string().filter((name) => name !== "__proto__"),
        fc.record({
          min: fc.integer().map((n) => n / 16),
          max: fc.oneof(fc.constant(Infinity), fc.integer()),
        }),
      )
      .map((ranges) => ({ ...ranges })),
    colors: fc
      .dictionary(
        fc.string().filter((name) => name !== "__proto__"),
        fc.integer({ min: 0, max: 0xffffff }).map((n) => `#${n.toString(16).padStart(6, "0")}`),
      )
      .map((colors) => ({ ...colors })),
    maskOpacity: fc.integer({ min: 0, max: 20 }).map((n) => n / 20),
    hasContours: fc.boolean(),
    isFilled: fc.boolean(),
    lineWidth: fc.integer({ min: 1, max: 16 }).map((n) => n / 2),
    hasLabels: fc.boolean(),
    difference: fc.option(fc.record({ a: fc.string(), b: fc.string() })),
  });

  test("comes back", () => {
    fc.assert(
      fc.property(styles, (one) => {
        expect(styleFromJson(jsonFromStyle(one))).toEqual(one);
      }),
    );
  });

  test("at its default is next to nothing", () => expect(jsonFromStyle(DEFAULT_STYLE)).toBe("{}"));

  test.each([
    null,
    "",
    "not json",
    "[]",
    "3",
    '{"hiddenLayers": 3, "colors": {"cat": "url(x)"}, "maskOpacity": "1", "difference": {"a": 1}, "scoreRanges": {"p": 3}}',
  ])("%j is read as far as it makes sense", (text) => expect(styleFromJson(text)).toEqual(DEFAULT_STYLE));
});
