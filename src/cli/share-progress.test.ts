// Goal: what keeps parts of its work hears signals, and what keeps nothing leaves them to end the program at once. Method: listeners while each runs.
import { expect, it } from "vitest";
import { withShareProgress, withShownProgress } from "./share-progress.ts";

const listeners = (): number[] => ["SIGINT", "SIGTERM"].map((signal) => process.listenerCount(signal));

it("catches signals where parts are kept, and only while they are made", async () => {
  const before = listeners();
  const during = await withShareProgress("working", async () => listeners());
  expect(during).toEqual(before.map((count) => count + 1));
  expect(listeners()).toEqual(before);
});

it("catches none where nothing is kept: a computation that never yields still ends with the first one", async () => {
  const before = listeners();
  expect(await withShownProgress("working", async () => listeners())).toEqual(before);
});
