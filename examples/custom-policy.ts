// A policy of one's own: the first layer on one device, the second on the other. Policies are pure functions of what they see: predicted times, queues,
// what must be moved. Whatever one answers, results stay right, because the engine keeps the order of data.
//   npm run build && node dist/examples/custom-policy.js
import { defineGraph, openRack, type Policy, type Rack, tensor } from "heddle";

const byLayer: Policy = ({ stage }, devices) => {
  const wanted = stage === "two layers[first]" ? "cpu-0" : "cpu-1";
  // Where the device is gone, the built-in policy decides.
  return devices.find(({ id }) => id === wanted)?.id;
};

const rack: Rack = {
  version: 1,
  name: "two cores",
  fingerprint: "any",
  devices: [0, 1].map((core) => ({ id: `cpu-${core}`, kind: "cpu", driver: "ort", threads: 1, cores: [core], memory: "dram" })),
  memories: [{ id: "dram", tier: "dram", capacityBytes: 2e9, bandwidthBytesPerSecond: 1e10, basis: "data-sheet", source: "assumed" }],
  links: [],
};

const WIDTH = 1024;
const ROWS = 256;
const layers = defineGraph("two layers", (g) => {
  const mean = g.weight("w", tensor(new Float32Array(WIDTH * WIDTH).fill(1 / WIDTH), [WIDTH, WIDTH]));
  const x = g.input("x", "f32", ["n", WIDTH]);
  g.output("y", g.op("MatMul", [g.op("MatMul", [x, mean], { name: "first" }), mean], { name: "second" }));
});

/** Left to itself it would be one stage: there is nothing to gain from two. */
const graph = { ...layers, cutAfter: ["first"] };

const open = await openRack(rack, { policy: byLayer });
try {
  const x = tensor(new Float32Array(ROWS * WIDTH).fill(3), [ROWS, WIDTH]);
  const run = open.submit(graph, { x });
  console.log(`y begins with ${(await run.output("y").read()).data[0]}`);
  for (const { stage, device } of (await run.done).stages) console.log(`${stage} ran on ${device}`);
} finally {
  await open.close();
}
