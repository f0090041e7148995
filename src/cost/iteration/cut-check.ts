import type { Cut } from "./cut.ts";
import type { DecoderBlocks } from "./decoder-blocks.ts";
import type { IterationFault } from "./iteration-fault.ts";

/** What is wrong with cutting a model so; undefined where engines would take it. */
export function cutFault(model: DecoderBlocks, cut: Cut): IterationFault | undefined {
  for (const [name, value] of Object.entries(cut)) {
    if (!Number.isInteger(value) || value < 1) return fault(`${name} is ${value}; it has to be a whole number from 1`);
  }
  if (cut.pipeline > model.layers) return fault(`${cut.pipeline} pipeline stages for ${model.layers} layers`);
  const group = cut.tensor * cut.data;
  for (const { block } of model.blocks) {
    if (block.kind === "attention" || block.kind === "latent-attention") {
      if (block.heads % cut.tensor !== 0) return fault(`${block.heads} heads over ${cut.tensor} tensor ranks`);
    } else if (block.kind === "mixture") {
      if (group % cut.expert !== 0) return fault(`${cut.expert} expert ranks in a group of tensor x data = ${group}`);
      if (cut.expert > block.experts) return fault(`${block.experts} experts over ${cut.expert} expert ranks`);
    }
  }
  const mixture = model.blocks.some(({ block }) => block.kind === "mixture");
  if (!mixture && cut.expert > 1) return fault(`${cut.expert} expert ranks for a model without experts`);
  return undefined;
}

function fault(detail: string): IterationFault {
  return { code: "cut-invalid", detail };
}
