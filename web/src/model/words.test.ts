import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cellLabel, placeOf } from "./cell";
import { defaultSeries, padded, rangeOf, shareOf, ticksOf, unbroken } from "./chart";
import { applied, moved } from "./completion";
import { countsOf } from "./counts";
import { factsOf } from "./details";
import { bytesText, countOf, durationText, numberText, positionText, valueText } from "./format";
import { sampleQuery, term } from "./query";
import { runColors } from "./runColors";
import { runsFound, switched } from "./selection";
import { item, run } from "./testing";

describe("numbers", () => {
  it.each([
    [0, "0"],
    [1140, "1140"],
    [0.123456, "0.1235"],
    [12345.678, "12350"],
    [0.00001234, "1.23e-5"],
    [-2.5, "-2.5"],
    [Infinity, "Infinity"],
    [NaN, "NaN"],
  ])("%f as %s", (value, text) => expect(numberText(value)).toBe(text));

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1500, "1.5 kB"],
    [19_000_000, "19 MB"],
    [2e15, "2000 TB"],
  ])("%i bytes as %s", (bytes, text) => expect(bytesText(bytes)).toBe(text));

  it.each([
    [4, "4 s"],
    [90, "2 min"],
    [7380, "2 h 3 min"],
    [200_000, "2 d 7 h"],
  ])("%i seconds as %s", (secs, text) => expect(durationText(secs)).toBe(text));

  it("of things", () => {
    expect(countOf(1, "image")).toBe("1 image");
    expect(countOf(1140, "image")).toBe("1,140 images");
    expect(positionText("step", 12000)).toBe("step 12,000");
    expect(positionText("loss", 0.25)).toBe("loss 0.25");
  });

  it.each([
    ["plain", "plain"],
    [0.5, "0.5"],
    [{ $float: "NaN" }, "NaN"],
    [[1, "a"], '[1,"a"]'],
    [null, "null"],
    [true, "true"],
  ])("and anything else on one line: %j", (value, text) => expect(valueText(value)).toBe(text));
});

describe("terms", () => {
  it.each([
    ["val", "key:val"],
    ["val/images", "key:val/images"],
    ["two words", 'key:"two words"'],
    ['say "hi"', 'key:"say \\"hi\\""'],
    ["a\\b", 'key:"a\\\\b"'],
    ["-minus", 'key:"-minus"'],
    ["a,b", 'key:"a,b"'],
    ["", 'key:""'],
    ["ключ", "key:ключ"],
  ])("of the key %j", (key, text) => expect(term("key", key)).toBe(text));

  it("of one image over all steps", () => {
    expect(sampleQuery("a1", "val", 3)).toBe("run:a1 key:val index:3 sort:step");
  });
});

describe("completions", () => {
  it("replace what was written of the term", () => {
    const completion = { text: "class:cat", start: 4, end: 8, detail: "" };
    expect(applied("red cla loss<1", completion)).toEqual({ text: "red class:catloss<1", cursor: 13 });
    expect(applied("red cla", { ...completion, end: 7 })).toEqual({ text: "red class:cat", cursor: 13 });
  });

  it.each([
    [-1, 1, 0],
    [-1, -1, 2],
    [2, 1, 0],
    [0, -1, 2],
    [1, 1, 2],
  ] as const)("from %i by %i is %i of three", (chosen, by, next) => expect(moved(chosen, 3, by)).toBe(next));
});

describe("what is chosen", () => {
  it("comes back to all when all are on again", () => {
    expect(switched(null, ["a", "b"], "a")).toEqual(["b"]);
    expect(switched(["b"], ["a", "b"], "a")).toBe(null);
    expect(switched([], ["a", "b"], "b")).toEqual(["b"]);
  });

  it("switched twice is as before", () => {
    const names = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(names, fc.nat(), (all, pick) => {
        const one = all[pick % all.length]!;
        expect(switched(switched(null, all, one), all, one)).toBe(null);
      }),
    );
  });

  it("is found by each word of a search", () => {
    const runs = [run("a", [], { name: "Baseline", tags: ["lr"] }), run("b", [], { project: "base" })];
    expect(runsFound(runs, "base").map(({ id }) => id)).toEqual(["a", "b"]);
    expect(runsFound(runs, " BASE lr ").map(({ id }) => id)).toEqual(["a"]);
    expect(runsFound(runs, "")).toBe(runs);
    expect(runsFound(runs, "nothing")).toEqual([]);
  });
});

describe("charts", () => {
  it("span all finite values, and room around one", () => {
    expect(rangeOf([[1, NaN, 5], [Infinity, -2]])).toEqual({ low: -2, high: 5 });
    expect(rangeOf([[3]])).toEqual({ low: 2.5, high: 3.5 });
    expect(rangeOf([])).toEqual({ low: 0, high: 1 });
    expect(padded({ low: 0, high: 10 }, 0.1)).toEqual({ low: -1, high: 11 });
    expect(shareOf({ low: 10, high: 20 }, 15)).toBe(0.5);
  });

  it("have round ticks inside their range", () => {
    expect(ticksOf({ low: 0, high: 29 }, 6)).toEqual([0, 5, 10, 15, 20, 25]);
    expect(ticksOf({ low: 0.12, high: 0.19 }, 4)).toEqual([0.12, 0.14, 0.16, 0.18]);
    const range = fc.tuple(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.double({ min: 1e-3, max: 1e6, noNaN: true }));
    fc.assert(
      fc.property(range, ([low, length]) => {
        const ticks = ticksOf({ low, high: low + length }, 5);
        expect(ticks.length).toBeLessThanOrEqual(6);
        for (const tick of ticks) {
          expect(tick).toBeGreaterThanOrEqual(low - length * 1e-6);
          expect(tick).toBeLessThanOrEqual(low + length * (1 + 1e-6));
        }
      }),
    );
  });

  it("break their line where a value is no number", () => {
    expect(unbroken([0, 1, 2, 3], [1, NaN, 3, 4])).toEqual([[[0, 1]], [[2, 3], [3, 4]]]);
  });

  it.each([
    [["acc", "loss"], "loss"],
    [["iou/cat", "mean_iou"], "mean_iou"],
    [["train/loss", "lr"], "lr"],
    [["val/psnr"], "val/psnr"],
    [[], null],
  ])("of %j draw %s first", (names, name) => expect(defaultSeries(names)).toBe(name));
});

describe("an image", () => {
  it("is called by caption, run, key, step and place", () => {
    const named = item(2);
    expect(cellLabel(named, "first")).toBe("first, val, step 7, image 2");
    const captioned = { ...named, record: { ...named.record, caption: "a cat" } };
    expect(cellLabel(captioned, "first")).toBe("a cat\nfirst, val, step 7, image 2");
    expect(placeOf(named)).toEqual({ run: "a", key: "val", step: 7, index: 2 });
  });

  it("says what became of its values", () => {
    const logged = item(0, "cats");
    logged.record.source = {
      kind: "numpy", dtype: "float32", shape: [3, 4], min: -0.5, max: "NaN", nan_count: 2, range: [0, 1], clipped: true,
    }; // prettier-ignore
    const facts = Object.fromEntries(factsOf(logged, "first"));
    expect(facts).toMatchObject({
      group: "cats",
      size: "4 × 3 RGB",
      file: "PNG",
      source: "numpy float32 (3, 4)",
      values: "-0.5 to NaN",
      "shown as": "0 → 0, 1 → 255, cut at the ends",
      "not a number": "2",
    });
  });
});

describe("runs", () => {
  it("keep their colour when a newer one comes", () => {
    const before = runColors([run("a", [], { created: 1 }), run("b", [], { created: 2 })]);
    const after = runColors([run("c", [], { created: 3 }), run("b", [], { created: 2 }), run("a", [], { created: 1 })]);
    expect([after.get("a"), after.get("b")]).toEqual([before.get("a"), before.get("b")]);
    expect(new Set(after.values()).size).toBe(3);
  });

  it("are counted over the keys that are shown", () => {
    const runs = [run("a", ["val", "train"]), run("b", ["val"])];
    expect(countsOf(runs, null)).toEqual({ numLogged: 3, numStored: 3 });
    expect(countsOf(runs, ["train"])).toEqual({ numLogged: 1, numStored: 1 });
    const lossy = run("c", ["val"], { num_missing: 2 });
    expect(countsOf([lossy], null)).toEqual({ numLogged: 3, numStored: 1 });
  });
});
