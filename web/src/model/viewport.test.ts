import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  actualSize,
  clampView,
  FIT,
  fitScale,
  imageFromScreen,
  isFit,
  MAX_SCALE,
  panBy,
  pixelAt,
  place,
  screenFromImage,
  textFromView,
  viewFromText,
  viewOf,
  visibleRect,
  zoomAbout,
} from "./viewport";

const sides = fc.integer({ min: 1, max: 10_000 });
const sizes = fc.record({ width: sides, height: sides });
const panels = fc.record({
  width: fc.integer({ min: 20, max: 4000 }),
  height: fc.integer({ min: 20, max: 4000 }),
});
const unit = fc.double({ min: 0, max: 1, noNaN: true });
const views = fc.record({
  zoom: fc.double({ min: 1, max: 50, noNaN: true }),
  center: fc.record({ x: unit, y: unit }),
});

test("a fitted picture touches two sides of its panel and is centred", () => {
  const at = place(FIT, { width: 200, height: 100 }, { width: 100, height: 100 });
  expect(at).toEqual({ scale: 0.5, left: 0, top: 25 });
});

test("screen and image are each other's inverse", () => {
  fc.assert(
    fc.property(views, sizes, panels, unit, unit, (view, image, panel, x, y) => {
      const at = place(view, image, panel);
      const point = { x: x * image.width, y: y * image.height };
      const back = imageFromScreen(screenFromImage(point, at), at);
      expect(back.x).toBeCloseTo(point.x, 4);
      expect(back.y).toBeCloseTo(point.y, 4);
    }),
  );
});

test("zooming about a point keeps what is under it, as far as the edges allow", () => {
  const [image, panel] = [
    { width: 400, height: 300 },
    { width: 800, height: 600 },
  ];
  const point = { x: 500, y: 320 };
  const before = imageFromScreen(point, place(FIT, image, panel));
  const after = imageFromScreen(point, place(zoomAbout(FIT, 3, point, image, panel), image, panel));
  expect(after.x).toBeCloseTo(before.x, 9);
  expect(after.y).toBeCloseTo(before.y, 9);
});

test("zoom ends at fitted and at the largest pixel", () => {
  const [image, panel] = [
    { width: 400, height: 300 },
    { width: 800, height: 600 },
  ];
  const point = { x: 0, y: 0 };
  const far = zoomAbout(FIT, 1e9, point, image, panel);
  expect(place(far, image, panel).scale).toBeCloseTo(MAX_SCALE);
  const near = zoomAbout(far, 1e-9, point, image, panel);
  expect(place(near, image, panel).scale).toBeCloseTo(1);
});

test("however it is moved, a picture larger than its panel leaves no gap", () => {
  fc.assert(
    fc.property(views, sizes, panels, fc.integer(), fc.integer(), (view, image, panel, x, y) => {
      const at = place(panBy(view, { x, y }, image, panel), image, panel);
      for (const [offset, length, room] of [
        [at.left, image.width * at.scale, panel.width],
        [at.top, image.height * at.scale, panel.height],
      ] as const) {
        if (length >= room) {
          expect(offset).toBeLessThanOrEqual(1e-6 * length + 1e-6);
          expect(offset + length).toBeGreaterThanOrEqual(room - 1e-6 * length - 1e-6);
        } else {
          expect(offset).toBeCloseTo((room - length) / 2, 3);
        }
      }
    }),
  );
});

test("1:1 is one picture pixel on one device pixel", () => {
  const [image, panel] = [
    { width: 4096, height: 4096 },
    { width: 500, height: 400 },
  ];
  expect(place(actualSize(FIT, image, panel, 2), image, panel).scale).toBeCloseTo(0.5);
  expect(
    place(actualSize(FIT, { width: 10, height: 10 }, panel), { width: 10, height: 10 }, panel).scale,
  ).toBeCloseTo(1);
});

test("the same view shows the same part of pictures of other sizes", () => {
  const view = { zoom: 4, center: { x: 0.25, y: 0.75 } };
  const panel = { width: 300, height: 300 };
  const share = ({ width, height }: { width: number; height: number }) => {
    const seen = visibleRect(place(view, { width, height }, panel), { width, height }, panel);
    return [seen.left / width, seen.top / height, seen.right / width, seen.bottom / height];
  };
  expect(share({ width: 64, height: 64 })).toEqual(share({ width: 2048, height: 2048 }));
});

test.each([
  { point: { x: 0, y: 25 }, pixel: { x: 0, y: 0 } },
  { point: { x: 99.9, y: 74.9 }, pixel: { x: 199, y: 99 } },
  { point: { x: 50, y: 24.9 }, pixel: undefined },
  { point: { x: 100, y: 50 }, pixel: undefined },
])("under $point is $pixel", ({ point, pixel }) => {
  const at = place(FIT, { width: 200, height: 100 }, { width: 100, height: 100 });
  expect(pixelAt(point, at, { width: 200, height: 100 })).toEqual(pixel);
});

test("a box is shown in the middle with room around it", () => {
  const [image, panel] = [
    { width: 1000, height: 1000 },
    { width: 500, height: 500 },
  ];
  const view = viewOf({ left: 400, top: 400, right: 500, bottom: 500 }, image, panel);
  const seen = visibleRect(place(view, image, panel), image, panel);
  expect(seen).toEqual({ left: 370, top: 370, right: 530, bottom: 530 });
});

describe("as text", () => {
  test("a view comes back", () => {
    fc.assert(
      fc.property(views, (view) => {
        const back = viewFromText(textFromView(view));
        expect(back.zoom).toBeCloseTo(view.zoom, 3);
        if (!isFit(view)) expect(back.center.x).toBeCloseTo(view.center.x, 4);
      }),
    );
  });

  test.each([null, undefined, "", "x", "1,2", "0,0,0", "-1,0,0", "NaN,0,0", "1e999,0,0", "<b>"])(
    "%j is fitted",
    (text) => expect(viewFromText(text)).toEqual(FIT),
  );
});

test("nothing is divided by a picture without pixels", () => {
  expect(fitScale({ width: 0, height: 0 }, { width: 10, height: 10 })).toBe(1);
});

test("1 × 10000 fits", () => {
  const image = { width: 1, height: 10_000 };
  const view = clampView(FIT, image, { width: 100, height: 100 });
  expect(place(view, image, { width: 100, height: 100 })).toEqual({ scale: 0.01, left: 49.995, top: 0 });
});
