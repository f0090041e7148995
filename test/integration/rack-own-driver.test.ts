// Goal: a device of one's own runs where it is asked to: in this thread, in a thread, and from a module in a process of its own, whose loss is survived.
// Method: one driver of two functions in each of the ways; the one in a process ends itself once.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Rack } from "../../src/rack/rack.ts";
import { defineGraph } from "../../src/sdk/define-graph.ts";
import { openRack } from "../../src/sdk/open-rack.ts";
import type { RackEvent } from "../../src/sdk/sdk-types.ts";
import { tensor } from "../../src/sdk/tensor.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-own-"));
afterAll(() => rmSync(folder, { recursive: true }));
const EMPTY: Rack = { version: 1, name: "own devices", fingerprint: "any", devices: [], memories: [], links: [] };
const graph = defineGraph("relu", (g) => g.output("y", g.op("Relu", [g.input("x", "f32", ["n"])])));

/** Computes Relu; its process ends at the first run there is, and never again. */
function moduleAt(name: string, dies: boolean): string {
  const path = join(folder, `${name}.mjs`);
  const mark = join(folder, `${name}.died`);
  const death = dies
    ? `if (!existsSync(${JSON.stringify(mark)})) { writeFileSync(${JSON.stringify(mark)}, ""); process.kill(process.pid, "SIGKILL"); }`
    : "";
  writeFileSync(
    path,
    `import { existsSync, writeFileSync } from "node:fs";
import { hostDevice } from ${JSON.stringify(resolve("dist/src/sdk/host-device.js"))};
export const driver = hostDevice("relu", {
  kind: "npu",
  refuses: ({ type }) => (type === "Relu" ? undefined : "Relu alone"),
  compute: (operator, [x]) => { ${death} return [{ ...x, data: x.data.map((value) => Math.max(0, value)) }]; },
});
`,
  );
  return path;
}

describe("a device of one's own", () => {
  it.each(["thread", "process"] as const)("runs from a module in a %s", async (isolation) => {
    const rack = await openRack(EMPTY, { isolation, devices: [{ device: { id: "unit", kind: "npu" }, driver: moduleAt("sound", false) }] });
    expect((await rack.run(graph, { x: tensor([-1, 2]) }))["y"]?.data).toEqual(Float32Array.of(0, 2));
    expect(rack.report().devices).toMatchObject([{ id: "unit", tasks: 1, failures: 0 }]);
    await rack.close();
  });

  it("is opened again when its process ended, and what it had begun is done", async () => {
    const events: RackEvent[] = [];
    const rack = await openRack(EMPTY, {
      devices: [{ device: { id: "unit", kind: "npu" }, driver: moduleAt("dying", true) }],
      onEvent: (event) => events.push(event),
    });
    const run = rack.submit(graph, { x: tensor([-1, 2]) });
    expect((await run.outputs())["y"]?.data).toEqual(Float32Array.of(0, 2));
    expect((await run.done).stages).toMatchObject([{ device: "unit", retries: 1 }]);
    expect(events.map(({ type }) => type).filter((type) => type !== "transfer-finished")).toEqual([
      "device-down",
      "task-lost",
      "device-up",
      "task-finished",
    ]);
    await rack.close();
  });

  it("is refused where a module has no driver", async () => {
    const path = join(folder, "empty.mjs");
    writeFileSync(path, "export const other = 1;\n");
    const opened = openRack(EMPTY, { devices: [{ device: { id: "unit" }, driver: path }] });
    await expect(opened).rejects.toMatchObject({ code: "driver-missing" });
    await expect(openRack(EMPTY)).rejects.toMatchObject({ code: "rack-invalid" });
  });
});
