/** Goal: what is counted from a graph is what the shapes say. Method: a closed formula over random Llama-like shapes; a tied and an untied head. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { graphOf } from "../graph/architecture/build/build-architecture.ts";
import { architectureOf } from "../graph/architecture/config/read-architecture.ts";
import { parametersOf } from "./parameters.ts";

test("weights of a Llama-like graph sum up to V·h·(2 - tied) + L·(2h² + 2h·kv + 3h·f + 2h) + h", () => {
  const shape = fc.record({
    kvHeads: fc.integer({ min: 1, max: 8 }),
    group: fc.integer({ min: 1, max: 8 }),
    headDim: fc.integer({ min: 1, max: 64 }),
    inner: fc.integer({ min: 1, max: 4096 }),
    layers: fc.integer({ min: 1, max: 6 }),
    vocabulary: fc.integer({ min: 1, max: 5000 }),
    tied: fc.boolean(),
  });
  fc.assert(
    fc.property(shape, ({ kvHeads, group, headDim, inner, layers, vocabulary, tied }) => {
      const width = kvHeads * group * headDim;
      const architecture = architectureOf({
        model_type: "llama",
        hidden_size: width,
        intermediate_size: inner,
        num_hidden_layers: layers,
        num_attention_heads: kvHeads * group,
        num_key_value_heads: kvHeads,
        vocab_size: vocabulary,
        tie_word_embeddings: tied,
      });
      const { total, lookedUp } = parametersOf(graphOf(architecture, { name: "model", type: "f32", kvType: "f32" }));
      const layer = 2 * width * width + 2 * width * kvHeads * headDim + 3 * width * inner + 2 * width;
      expect(total).toBe(vocabulary * width * (tied ? 1 : 2) + layers * layer + width);
      expect(lookedUp).toBe(tied ? 0 : vocabulary * width);
    }),
    { numRuns: 200 },
  );
});
