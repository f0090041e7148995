// A device of one's own: it takes Relu alone and computes it in JavaScript; this machine's CPU has the rest. What computes in a memory of its own
// implements DeviceDriver instead; in a file of its own, exported as `driver` and given by its path, either runs in a process of its own.
//   npm run build && node dist/examples/custom-device.js
import { defineGraph, hostDevice, openRack, tensor } from "heddle";

const reluUnit = hostDevice("relu", {
  kind: "npu",
  refuses: ({ type }) => (type === "Relu" ? undefined : "it computes Relu alone"),
  compute: (_operator, [x]) => [{ ...x!, data: (x!.data as Float32Array).map((value) => Math.max(0, value)) }],
});

const graph = defineGraph("mlp", (g) => {
  const x = g.input("x", "f32", ["n", 2]);
  const y = g.op("MatMul", [x, g.weight("w", tensor([1, 2, 3, -4], [2, 2]))], { name: "product" });
  g.output("y", g.op("Relu", [y], { name: "relu" }));
});

const rack = await openRack("this-machine", { devices: [{ device: { id: "relu-unit", kind: "npu" }, driver: reluUnit }] });
try {
  const run = rack.submit(graph, { x: tensor([1, 10], [1, 2]) }, { pin: { relu: "relu-unit" } });
  console.log(`y = ${(await run.output("y").read()).data.join(", ")}`);
  for (const { stage, device } of (await run.done).stages) console.log(`${stage} ran on ${device}`);
  for (const { device, stage, reason } of rack.report().refusals) console.log(`${device} refused ${stage}: ${reason}`);
} finally {
  await rack.close();
}
