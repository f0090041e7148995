import { defineGraph, openRack, tensor } from "heddle";

const graph = defineGraph("perceptron", (g) => {
  const x = g.input("x", "f32", ["batch", 2]);
  const hidden = g.op("MatMul", [x, g.weight("w", tensor([1, 2, 3, -4], [2, 2]))]);
  g.output("y", g.op("Relu", [hidden]));
});
const rack = await openRack("this-machine"); // or a rack file; or loadGraph("model.onnx") above
try {
  const first = rack.submit(graph, { x: tensor([1, 10], [1, 2]) });
  const { y } = await rack.run(graph, { x: first.output("y") }); // y of the first run stays on its device
  console.log(y?.dims, y?.data, (await first.done).stages);
} finally {
  await rack.close();
}
