import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_COVERED, MAX_LABELS, placeLabels, type LabelWish } from "./labels";

const AREA = { left: 0, top: 0, right: 200, bottom: 100 };

function wish(left: number, top: number, right: number, bottom: number, width = 40): LabelWish {
  return { box: { left, top, right, bottom }, size: { width, height: 15 } };
}

test("a label stands above its box where there is room", () => {
  expect(placeLabels([wish(20, 40, 90, 80)], AREA, 2)).toEqual([{ index: 0, left: 20, top: 25 }]);
});

test("at the top edge it stands inside", () => {
  expect(placeLabels([wish(20, 5, 90, 80)], AREA, 2)).toEqual([{ index: 0, left: 22, top: 7 }]);
});

test("at the right edge it is pushed inside", () => {
  expect(placeLabels([wish(190, 40, 199, 80)], AREA, 2)[0]).toEqual({ index: 0, left: 160, top: 25 });
});

test("the label of a smaller box comes first", () => {
  const places = placeLabels([wish(20, 40, 190, 90), wish(20, 40, 60, 60)], AREA, 2);
  expect(places[0]).toEqual({ index: 1, left: 20, top: 25 });
  expect(places[1]!.index).toBe(0);
});

test("the label of the box that is pointed at comes before all others", () => {
  const places = placeLabels([{ ...wish(20, 40, 190, 90), isFirst: true }, wish(20, 40, 60, 60)], AREA, 2);
  expect(places[0]).toEqual({ index: 0, left: 20, top: 25 });
});

test("a label that is wider than the area is left out", () => {
  expect(placeLabels([wish(0, 40, 50, 60, 500)], AREA, 2)).toEqual([]);
});

test("a box that is out of sight has none", () => {
  expect(placeLabels([wish(300, 40, 350, 60)], AREA, 2)).toEqual([]);
});

test("no label covers another or leaves the area, whatever the boxes", () => {
  const boxes = fc.record({
    left: fc.integer({ min: -50, max: 220 }),
    top: fc.integer({ min: -50, max: 120 }),
    width: fc.integer({ min: 0, max: 200 }),
    height: fc.integer({ min: 0, max: 120 }),
    text: fc.integer({ min: 5, max: 120 }),
  });
  fc.assert(
    fc.property(fc.array(boxes, { maxLength: 60 }), (list) => {
      const wishes = list.map((b) => wish(b.left, b.top, b.left + b.width, b.top + b.height, b.text));
      const rects = placeLabels(wishes, AREA, 2).map(({ index, left, top }) => {
        const { width, height } = wishes[index]!.size;
        return { left, top, right: left + width, bottom: top + height };
      });
      for (const [i, a] of rects.entries()) {
        expect(a.left >= 0 && a.top >= 0 && a.right <= 200 && a.bottom <= 100).toBe(true);
        for (const b of rects.slice(i + 1)) {
          const isOver = a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
          expect(isOver).toBe(false);
        }
      }
    }),
  );
});

test("labels leave most of a small picture to be seen", () => {
  const many = Array.from({ length: 30 }, (_, i) => wish((i % 5) * 40, 5 + Math.floor(i / 5) * 16, (i % 5) * 40 + 20, 15, 38));
  const covered = placeLabels(many, AREA, 2).length * 38 * 15;
  expect(covered).toBeGreaterThan(0);
  expect(covered).toBeLessThanOrEqual(MAX_COVERED * 200 * 100 + 38 * 15);
});

test("thousands of boxes get as many labels as can be read", () => {
  const many = Array.from({ length: 5000 }, (_, i) => wish(i, 20, i + 1, 30, 1));
  const wide = { left: 0, top: 0, right: 10_000, bottom: 100 };
  expect(placeLabels(many, wide, 2)).toHaveLength(MAX_LABELS);
});
