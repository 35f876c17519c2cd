import { expect, test } from "vitest";
import { PartReader } from "./parts";

/** Three files: the second asked for, the 257th, of which there is none, and the first. */
const ANSWER = [0, 1, 0, 0, 0, 3, 7, 8, 9].concat([1, 0, 0, 0, 0, 0]).concat([0, 0, 0, 0, 0, 1, 5]);
const PARTS = [
  { number: 1, bytes: [7, 8, 9] },
  { number: 256, bytes: [] },
  { number: 0, bytes: [5] },
];

function read(chunks: number[][]) {
  const reader = new PartReader();
  const parts = chunks.flatMap((chunk) => reader.push(Uint8Array.from(chunk)));
  return parts.map(({ number, bytes }) => ({ number, bytes: [...bytes] }));
}

test.each(ANSWER.map((_, at) => at))("parts are whole wherever the answer is cut: at %i", (at) => {
  expect(read([ANSWER.slice(0, at), ANSWER.slice(at)])).toEqual(PARTS);
});

test("parts are whole when they come byte by byte", () => {
  expect(read(ANSWER.map((byte) => [byte]))).toEqual(PARTS);
});

test("what is cut off is no part", () => {
  expect(read([ANSWER.slice(0, -1)])).toEqual(PARTS.slice(0, 2));
  expect(read([])).toEqual([]);
});
