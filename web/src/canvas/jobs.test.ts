import { expect, test } from "vitest";
import { DroppedError, Jobs } from "./jobs";

function later<T>() {
  let done!: (value: T) => void;
  const promise = new Promise<T>((resolve) => (done = resolve));
  return { promise, done };
}

test("who asks for the same work waits for the same work", async () => {
  const jobs = new Jobs<number>(2);
  let times = 0;
  const work = async () => ++times;
  expect(await Promise.all([jobs.run("a", work), jobs.run("a", work)])).toEqual([1, 1]);
  expect(await jobs.run("a", work)).toBe(2);
});

test("no more runs at once than may, and the newest comes first", async () => {
  const jobs = new Jobs<string>(1);
  const order: string[] = [];
  const first = later<string>();
  const note = (name: string) => async () => {
    order.push(name);
    return name;
  };
  const running = jobs.run("first", () => first.promise);
  const waiting = [jobs.run("old", note("old")), jobs.run("new", note("new"))];
  first.done("first");
  await running;
  await Promise.all(waiting);
  expect(order).toEqual(["new", "old"]);
});

test("what is done ahead of time comes after all that is asked for, oldest first", async () => {
  const jobs = new Jobs<string>(1);
  const order: string[] = [];
  const first = later<string>();
  const note = (name: string) => async () => {
    order.push(name);
    return name;
  };
  const always = () => true;
  const running = jobs.run("first", () => first.promise);
  const waiting = [
    jobs.run("asked", note("asked")),
    ...["next", "after", "met"].map((name) => jobs.run(name, note(name), always, true)),
    jobs.run("met", note("met")),
  ];
  first.done("first");
  await running;
  await Promise.all(waiting);
  expect(order).toEqual(["met", "asked", "next", "after"]);
});

test("work that nobody wants any more is dropped, and said to be", async () => {
  const jobs = new Jobs<string>(1);
  const first = later<string>();
  let isWanted = true;
  const running = jobs.run("first", () => first.promise);
  const dropped = jobs.run(
    "second",
    async () => "done",
    () => isWanted,
  );
  isWanted = false;
  first.done("first");
  await running;
  await expect(dropped).rejects.toThrow(DroppedError);
});

test("work that one of two still wants is done for both", async () => {
  const jobs = new Jobs<string>(1);
  const first = later<string>();
  const running = jobs.run("first", () => first.promise);
  const both = [
    jobs.run(
      "b",
      async () => "b",
      () => false,
    ),
    jobs.run(
      "b",
      async () => "b",
      () => true,
    ),
  ];
  first.done("first");
  await running;
  expect(await Promise.all(both)).toEqual(["b", "b"]);
});

test("a failure is told to all who wait, and the next work goes on", async () => {
  const jobs = new Jobs<string>(1);
  const failing = () => Promise.reject(new Error("no"));
  const both = [jobs.run("a", failing), jobs.run("a", failing)];
  await expect(both[0]).rejects.toThrow("no");
  await expect(both[1]).rejects.toThrow("no");
  expect(await jobs.run("a", async () => "yes")).toBe("yes");
});
