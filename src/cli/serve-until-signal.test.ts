// Goal: a signal before serving has begun ends the command with `interrupted`. Method: a tiny model; the signal is emitted while `onReady` runs.
import { rmSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { tinyLive } from "../../test/support/tiny-live.ts";
import { openDecoderModel } from "../execute/model-store/open-model.ts";
import { serveUntilSignal } from "./serve-until-signal.ts";
import { startStack } from "./serving-stack.ts";

const http = { host: "127.0.0.1", port: 0, bodyBytesMax: 1_000 };

describe("serving", () => {
  const live = tinyLive();
  const model = openDecoderModel(live.plan.model.path);
  const stackOf = () => startStack({ plan: live.plan, model, rack: live.costs[0]!.rack, ledger: undefined });
  afterAll(() => rmSync(live.folder, { recursive: true, force: true }));

  it("does not begin after a signal that came during `onReady`", { timeout: 20_000 }, async () => {
    const onReady = async (): Promise<void> => {
      process.emit("SIGTERM", "SIGTERM");
      await setImmediate();
    };
    await expect(serveUntilSignal(stackOf(), { http, drainSeconds: 1, onReady })).rejects.toMatchObject({ code: "interrupted" });
  });

  it("drains and ends at a signal that comes later", async () => {
    const onReady = (): void => void setTimeout(() => process.emit("SIGTERM", "SIGTERM"), 50);
    await expect(serveUntilSignal(stackOf(), { http, drainSeconds: 1, onReady })).resolves.toBeUndefined();
  });
});
