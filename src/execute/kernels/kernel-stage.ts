import { assert } from "../../base/assert.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import type { DecoderModel } from "../../graph/decoder/model.ts";
import { kernelShapeRefusal } from "../../plan/kernel-stages.ts";
import { pagesFor } from "../../state/block.ts";
import type { KernelStage, KernelStageRequest } from "../drivers/shared/decode-kernels.ts";
import { PHASE_COUNT, PHASE_STRIDE, PHASE_TABLE, STEP_ROWS } from "./kernel-control.ts";
import { createKernelMemory, createKernelSpace } from "./kernel-memory.ts";
import { kernelPages, loosePageBytes } from "./kernel-pages.ts";
import { RECORD_BYTES, type StepRows, shareOut, writeProgram } from "./kernel-program.ts";
import { HEAD_ROWS, placeRoom, writeRoom } from "./kernel-room.ts";
import { createKernelTeam } from "./kernel-team.ts";
import { askLargePages } from "./large-pages.ts";
import { headPhases, layerPhases } from "./layer-phases.ts";
import type { Fill } from "./place-weights.ts";

/** Errors: `plan-invalid` where there are no kernels here or a stage is too large for them or of another shape; `device-failed` where a thread does not start. */
export async function loadKernelStage(model: DecoderModel, request: KernelStageRequest): Promise<KernelStage> {
  const { spec } = model;
  const refused = kernelShapeRefusal(spec);
  if (refused !== undefined)
    throw new HeddleError("plan-invalid", { where: `layers ${request.fromLayer} to ${request.toLayer}`, detail: refused });
  const { threads, maxRows, contextLimit } = request;
  const space = createKernelSpace();
  const fills: Fill[] = [];
  const places = placeRoom(spec, space, request);
  const { phases, pages } = layerPhases(model, request, { space, fills, places });
  const layers = phases.length;
  const head = request.toLayer === spec.layers ? headPhases(model, { space, fills, places }) : undefined;
  if (head !== undefined) phases.push(...head.phases);
  const table = space.take(phases.length * RECORD_BYTES);
  const loose = space.take(loosePageBytes(spec));
  const memory = createKernelMemory(space.bytes, `layers ${request.fromLayer} to ${request.toLayer}`);
  await askLargePages(memory);
  const { buffer } = memory;
  for (const fill of fills) fill(buffer);
  writeProgram(buffer, table, phases);
  const words = new Uint32Array(buffer);
  words[PHASE_COUNT / 4] = phases.length;
  words[PHASE_TABLE / 4] = table;
  words[PHASE_STRIDE / 4] = RECORD_BYTES;
  writeRoom(words, places);
  const team = await createKernelTeam({ threads, memory });
  const run = (step: StepRows, part: "layers" | "head"): void => {
    words[STEP_ROWS / 4] = step.rows;
    phases.forEach((phase, i) => {
      const record = (table + i * RECORD_BYTES) / 4;
      if (i < layers === (part === "layers")) shareOut(words, record, phase, step);
      else words[record] = 0;
    });
    team.run();
  };
  const stream = new Float32Array(buffer, places.x, maxRows * spec.width);
  const { width, vocabulary } = spec;
  return {
    pages: kernelPages(memory, team.exports, { addresses: pages, loose }, spec),
    step: (parts, x) => {
      const rows = parts.reduce((sum, { count }) => sum + count, 0);
      assert(rows <= maxRows && x.length === rows * width, "a step has as many rows as there is room for", { rows });
      let row = 0;
      for (const { position, count, pages: held } of parts) {
        const end = position + count;
        assert(count > 0 && end <= contextLimit && held.length >= pagesFor(end), "pages have room for the tokens that come", {
          position,
          count,
        });
        for (let at = position; at < end; at++, row++) {
          words[places.positions / 4 + row] = at;
          words.set(held, (places.pageTable + row * places.pagesStride) / 4);
        }
      }
      stream.set(x);
      run({ rows, kept: parts.some(({ count }) => count > 1) }, "layers");
      x.set(stream.subarray(0, x.length));
    },
    head: (x, rows) => {
      assert(head !== undefined, "the last stage has a head", request);
      const out = new Float32Array(rows * vocabulary);
      for (let from = 0; from < rows; from += HEAD_ROWS) {
        const count = Math.min(HEAD_ROWS, rows - from);
        new Float32Array(buffer, head.x, count * width).set(x.subarray(from * width, (from + count) * width));
        run({ rows: count, kept: false }, "head");
        for (let row = 0; row < count; row++) {
          out.set(new Float32Array(buffer, head.logits + row * head.apart, vocabulary), (from + row) * vocabulary);
        }
      }
      return out;
    },
    release: () => team.release(),
  };
}
