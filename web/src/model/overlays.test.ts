import { describe, expect, test } from "vitest";
import type { ImageRecord, Numeric } from "../api/types";
import { colorOf } from "./colors";
import {
  boxesOf,
  boxText,
  classColor,
  comparedMasks,
  DEFAULT_STYLE,
  flawedBoxes,
  maskTint,
  overlapOf,
  scoreText,
  shownBoxes,
  shownMasks,
  toggled,
  type OverlayStyle,
} from "./overlays";

const LABELS = [
  { id: 1, name: "cat" },
  { id: 2, name: "dog", color: "#123456" },
];

function record(parts: Partial<ImageRecord> = {}): ImageRecord {
  return {
    kind: "image",
    run_id: "r",
    key: "k",
    step: 0,
    index: 0,
    time: 0,
    width: 100,
    height: 80,
    mode: "RGB",
    format: "png",
    source: { kind: "numpy" },
    members: [],
    ...parts,
  };
}

function boxed(xyxy: Numeric[][], more: object = {}): ImageRecord {
  return record({ boxes: [{ name: "found", xyxy, class_labels: LABELS, ...more }] });
}

function style(fields: Partial<OverlayStyle> = {}): OverlayStyle {
  return { ...DEFAULT_STYLE, ...fields };
}

describe("boxes", () => {
  test("keep class, caption and every score; fields that are absent are at their default", () => {
    const [box] = boxesOf(
      boxed([[1, 2, 30, 40]], {
        class_id: [2],
        captions: ["hello"],
        scores: [
          { name: "confidence", values: [0.5] },
          { name: "iou", values: [null] },
        ],
      }),
    );
    expect(box).toEqual({
      left: 1,
      top: 2,
      right: 30,
      bottom: 40,
      layer: "found",
      index: 0,
      classId: 2,
      className: "dog",
      caption: "hello",
      scores: [
        { name: "confidence", value: 0.5 },
        { name: "iou", value: null },
      ],
      color: "#123456",
      isDashed: false,
      flaw: null,
    });
    expect(boxesOf(record())).toEqual([]);
    expect(boxesOf(record({ boxes: [{ name: "none" }] }))).toEqual([]);
  });

  test.each([
    { xyxy: ["NaN", 0, 1, 1], flaw: "not a number" },
    { xyxy: [0, 0, "Infinity", 1], flaw: "infinite" },
    { xyxy: [10, 0, 5, 1], flaw: "inverted" },
    { xyxy: [0, 10, 5, 5], flaw: "inverted" },
    { xyxy: [100, 0, 120, 9], flaw: "outside" },
    { xyxy: [0, -9, 9, 0], flaw: "outside" },
    { xyxy: [-5, -5, 1000, 1000], flaw: null },
    { xyxy: [3, 3, 3, 3], flaw: null },
  ] as { xyxy: Numeric[]; flaw: string | null }[])("$xyxy is flagged as $flaw", ({ xyxy, flaw }) => {
    const one = boxed([xyxy]);
    expect(boxesOf(one)[0]!.flaw).toBe(flaw);
    expect(flawedBoxes(one)).toHaveLength(flaw ? 1 : 0);
    expect(shownBoxes(one, style())).toHaveLength(flaw ? 0 : 1);
  });

  test("are drawn the largest first", () => {
    const shown = shownBoxes(
      boxed([
        [0, 0, 5, 5],
        [0, 0, 50, 50],
        [0, 0, 9, 9],
      ]),
      style(),
    );
    expect(shown.map(({ index }) => index)).toEqual([1, 2, 0]);
  });

  test("of a second layer are dashed", () => {
    const two = record({
      boxes: [
        { name: "a", xyxy: [[0, 0, 1, 1]] },
        { name: "b", xyxy: [[0, 0, 2, 2]] },
      ],
    });
    expect(boxesOf(two).map(({ isDashed }) => isDashed)).toEqual([false, true]);
  });

  test.each([
    { fields: { areBoxesOn: false }, shown: [] },
    { fields: { hiddenLayers: ["boxes/found"] }, shown: [] },
    { fields: { hiddenLayers: ["masks/found"] }, shown: ["cat", "dog"] },
    { fields: { hiddenClasses: ["cat"] }, shown: ["dog"] },
    { fields: { soloClass: "cat", hiddenClasses: ["cat"] }, shown: ["cat"] },
  ])("with $fields are $shown", ({ fields, shown }) => {
    const two = boxed(
      [
        [0, 0, 9, 9],
        [0, 0, 5, 5],
      ],
      { class_id: [1, 2] },
    );
    expect(shownBoxes(two, style(fields)).map((box) => box.className)).toEqual(shown);
  });

  test("without a number for a score that has a threshold are not drawn, those of layers without it are", () => {
    const one = record({
      boxes: [
        {
          name: "found",
          xyxy: [
            [0, 0, 9, 9],
            [0, 0, 8, 8],
            [0, 0, 7, 7],
          ],
          scores: [{ name: "p", values: [0.2, 0.6, null] }],
        },
        { name: "truth", xyxy: [[0, 0, 6, 6]] },
      ],
    });
    const shown = shownBoxes(one, style({ scoreRanges: { p: { min: 0.5, max: Infinity } } }));
    expect(shown.map(({ layer, index }) => `${layer} ${index}`)).toEqual(["found 1", "truth 0"]);
  });
});

describe("texts of boxes", () => {
  test.each([
    { more: { class_id: [1], captions: ["mine"] }, text: "mine" },
    { more: { class_id: [1], captions: [""] }, text: "" },
    { more: { class_id: [1], scores: [{ name: "p", values: [0.876] }] }, text: "cat 0.88" },
    { more: { class_id: [9] }, text: "class_9" },
    { more: { class_id: [1], scores: [{ name: "p", values: ["NaN"] }] }, text: "cat" },
    { more: {}, text: "" },
  ])("$more is $text", ({ more, text }) => {
    expect(boxText(boxesOf(boxed([[0, 0, 1, 1]], more))[0]!)).toBe(text);
  });

  test.each([
    [0.876, "0.88"],
    [0, "0.00"],
    [0.0001, "0.0001"],
    [1234.5, "1230"],
    [99.994, "99.99"],
    [Infinity, "Infinity"],
  ])("a score of %d is written %s", (score, text) => expect(scoreText(score)).toBe(text));
});

describe("colours", () => {
  test("are the user's, else the label's, else those of the name", () => {
    expect(classColor("cat", undefined, {})).toBe(colorOf("cat"));
    expect(classColor("dog", LABELS[1], {})).toBe("#123456");
    expect(classColor("dog", LABELS[1], { dog: "#abcdef" })).toBe("#abcdef");
  });

  test.each(["__proto__", "constructor", "toString"])(
    "a class named %s has a colour like any other",
    (name) => {
      expect(classColor(name, undefined, {})).toBe(colorOf(name));
    },
  );
});

describe("only what differs", () => {
  const two = (a: Numeric[][], b: Numeric[][], classes = { a: a.map(() => 1), b: b.map(() => 1) }) =>
    record({
      boxes: [
        { name: "a", xyxy: a, class_id: classes.a, class_labels: LABELS },
        { name: "b", xyxy: b, class_id: classes.b, class_labels: LABELS },
      ],
    });
  const only = style({ difference: { a: "boxes/a", b: "boxes/b" } });

  test("leaves out boxes that both layers have, one for one", () => {
    const shown = shownBoxes(
      two(
        [
          [0, 0, 10, 10],
          [50, 50, 60, 60],
        ],
        [
          [0, 0, 10, 9],
          [0, 0, 10, 8],
        ],
      ),
      only,
    );
    expect(shown.map(({ layer, index }) => `${layer} ${index}`).sort()).toEqual(["a 1", "b 1"]);
  });

  test("keeps a box whose class is another in the other layer", () => {
    const shown = shownBoxes(two([[0, 0, 10, 10]], [[0, 0, 10, 10]], { a: [1], b: [2] }), only);
    expect(shown).toHaveLength(2);
  });

  test("of masks names two layers that the picture has", () => {
    const layer = (name: string) => ({
      name,
      member: `${name}.mask.png`,
      dtype: "uint8" as const,
      width: 1,
      height: 1,
    });
    const one = record({ masks: [layer("a"), layer("b")] });
    const chosen = style({ difference: { a: "masks/a", b: "masks/b" } });
    expect(comparedMasks(one, chosen)?.a.name).toBe("a");
    expect(comparedMasks(record({ masks: [layer("a")] }), chosen)).toBeNull();
    expect(comparedMasks(one, style({ ...chosen, areMasksOn: false }))).toBeNull();
  });
});

test.each([
  { a: [0, 0, 2, 2], b: [1, 0, 3, 2], overlap: 1 / 3 },
  { a: [0, 0, 2, 2], b: [2, 0, 3, 2], overlap: 0 },
  { a: [0, 0, 2, 2], b: [0, 0, 2, 2], overlap: 1 },
])("$a and $b overlap by $overlap", ({ a, b, overlap }) => {
  const rect = ([left, top, right, bottom]: number[]) => ({
    left: left!,
    top: top!,
    right: right!,
    bottom: bottom!,
  });
  expect(overlapOf(rect(a), rect(b))).toBeCloseTo(overlap);
});

describe("masks", () => {
  const layer = {
    name: "truth",
    member: "truth.mask.png",
    dtype: "uint8" as const,
    width: 10,
    height: 8,
    class_labels: [{ id: 0, name: "background" }, ...LABELS],
  };

  test("leave background clear and know classes without a label", () => {
    const tint = maskTint(layer, style());
    expect([0, 1, 2, 7].map(tint)).toEqual([undefined, colorOf("cat"), "#123456", colorOf("class_7")]);
  });

  test("can show one class alone, background too", () => {
    expect([0, 1, 2].map(maskTint(layer, style({ soloClass: "cat" })))).toEqual([
      undefined,
      colorOf("cat"),
      undefined,
    ]);
    expect(maskTint(layer, style({ soloClass: "background" }))(0)).toBe(colorOf("background"));
  });

  test("can be hidden by layer", () => {
    expect(shownMasks(record({ masks: [layer] }), style({ hiddenLayers: ["masks/truth"] }))).toEqual([]);
    expect(shownMasks(record({ masks: [layer] }), style())).toHaveLength(1);
  });
});

test("a switch is on or off", () => {
  expect(toggled(["a"], "b")).toEqual(["a", "b"]);
  expect(toggled(["a", "b"], "a")).toEqual(["b"]);
});
