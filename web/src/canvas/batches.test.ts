import { expect, test } from "vitest";
import { Batches, type Work } from "./batches";
import { DroppedError } from "./jobs";

interface Asked {
  group: number;
  names: readonly string[];
  tell: (name: string, value: Promise<string>) => void;
  signal: AbortSignal;
  end: () => void;
  fail: (error: Error) => void;
}

/** Batches whose work waits until the test goes on with it. */
function paused() {
  const asked: Asked[] = [];
  const work: Work<string> = (group, names, tell, signal) =>
    new Promise((end, fail) => {
      signal.addEventListener("abort", () => fail(new Error("aborted")));
      asked.push({ group, names, tell, signal, end, fail });
    });
  return { asked, batches: new Batches(work) };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
const never = (): boolean => false;
const always = (): boolean => true;

function finish({ names, tell, end }: Asked): void {
  for (const name of names) tell(name, Promise.resolve(`made ${name}`));
  end();
}

test("what is asked for in one go is done in one batch, each name once", async () => {
  const { asked, batches } = paused();
  const all = ["a", "b", "a"].map((name) => batches.run(64, name));
  await turn();
  expect(asked.map(({ group, names }) => [group, names])).toEqual([[64, ["b", "a"]]]);
  finish(asked[0]!);
  expect(await Promise.all(all)).toEqual(["made a", "made b", "made a"]);
});

test("each is told as it comes", async () => {
  const { asked, batches } = paused();
  const [a, b] = [batches.run(64, "a"), batches.run(64, "b")];
  await turn();
  asked[0]!.tell("b", Promise.resolve("early"));
  expect(await b).toBe("early");
  finish(asked[0]!);
  expect(await a).toBe("made a");
});

test("names of another group are another batch, and the newest go first", async () => {
  const { asked, batches } = paused();
  void batches.run(64, "a");
  void batches.run(128, "b");
  await turn();
  expect(asked.map(({ group, names }) => [group, names])).toEqual([
    [128, ["b"]],
    [64, ["a"]],
  ]);
});

test("while as many run as may, wishes gather; a batch has 64 at most, the newest", async () => {
  const { asked, batches } = paused();
  for (const name of ["a", "b"]) {
    void batches.run(64, name);
    await turn();
  }
  for (let n = 0; n < 70; n++) void batches.run(64, `${n}`);
  await turn();
  expect(asked).toHaveLength(2);
  finish(asked[0]!);
  await turn();
  expect(asked).toHaveLength(3);
  expect([asked[2]!.names.length, asked[2]!.names[0], asked[2]!.names[63]]).toEqual([64, "6", "69"]);
});

test("what is done ahead of time comes after all that is asked for, oldest first", async () => {
  const { asked, batches } = paused();
  void batches.run(64, "next", always, true);
  void batches.run(64, "asked");
  void batches.run(64, "after", always, true);
  await turn();
  expect(asked.map(({ names }) => names)).toEqual([["asked"]]);
  finish(asked[0]!);
  await turn();
  expect(asked.slice(1).map(({ names }) => names)).toEqual([["next", "after"]]);
  void batches.run(64, "asked meanwhile");
  await turn();
  expect(asked.slice(2).map(({ names }) => names)).toEqual([["asked meanwhile"]]);
});

test("a wish that nobody has any more is dropped, and said to be", async () => {
  const { asked, batches } = paused();
  const dropped = batches.run(64, "a", never);
  await expect(dropped).rejects.toThrow(DroppedError);
  expect(asked).toEqual([]);
});

test("a batch of which nobody wants the rest is given up with the next wish", async () => {
  const { asked, batches } = paused();
  let isWanted = true;
  const [a, b] = ["a", "b"].map((name) => batches.run(64, name, () => isWanted));
  await turn();
  asked[0]!.tell("a", Promise.resolve("made"));
  isWanted = false;
  const next = batches.run(64, "b");
  const other = batches.run(64, "c");
  await turn();
  expect(asked[0]!.signal.aborted).toBe(false); // b is wanted again
  asked[0]!.tell("b", Promise.resolve("b"));
  expect(await Promise.all([a, b, next])).toEqual(["made", "b", "b"]);
  finish(asked[1]!);
  expect(await other).toBe("made c");
});

test("a batch that is wanted in part makes room for new wishes, and the rest comes after them", async () => {
  const { asked, batches } = paused();
  let isWanted = true;
  const a = batches.run(64, "a", () => isWanted);
  const b = batches.run(64, "b");
  await turn();
  void batches.run(64, "c");
  await turn();
  isWanted = false;
  const d = batches.run(128, "d");
  await expect(a).rejects.toThrow(DroppedError);
  expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, false, false]);
  expect(asked[2]!.names).toEqual(["d"]);
  finish(asked[2]!);
  expect(await d).toBe("made d");
  await turn();
  expect(asked[3]!.names).toEqual(["b"]);
  finish(asked[3]!);
  expect(await b).toBe("made b");
});

test("who waited for a batch that was given up is told so", async () => {
  const { asked, batches } = paused();
  let isWanted = true;
  const a = batches.run(64, "a", () => isWanted);
  await turn();
  isWanted = false;
  const b = batches.run(64, "b");
  await expect(a).rejects.toThrow(DroppedError);
  expect(asked[0]!.signal.aborted).toBe(true);
  finish(asked[1]!);
  expect(await b).toBe("made b");
});

test("a failure of the work is that of all that were not told of; it is asked for again", async () => {
  const { asked, batches } = paused();
  const [a, b] = ["a", "b"].map((name) => batches.run(64, name));
  await turn();
  asked[0]!.tell("a", Promise.reject(new Error("no picture")));
  asked[0]!.fail(new Error("no answer"));
  await expect(a).rejects.toThrow("no picture");
  await expect(b).rejects.toThrow("no answer");
  const again = batches.run(64, "a");
  await turn();
  finish(asked[1]!);
  expect(await again).toBe("made a");
});

test("an answer that ends early fails for those that are not in it", async () => {
  const { asked, batches } = paused();
  const a = batches.run(64, "a");
  await turn();
  asked[0]!.end();
  await expect(a).rejects.toThrow("The answer was cut short.");
});
