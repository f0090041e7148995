import { HeddleError } from "../../base/heddle-error.ts";
import type { Change } from "../../plan/deployment/change.ts";
import type { RequestColumns } from "../../simulate/serving/serving-input.ts";
import { scaleColumns } from "../../simulate/workload/columns/scale-columns.ts";
import { drawAdapters, parseAdapters } from "../../simulate/workload/generate/adapter-draw.ts";
import { drawImages, parseImages } from "../../simulate/workload/generate/image-draw.ts";

/** Requests that are otherwise, and what people should know of it. */
export interface ChangedRequests {
  readonly requests: RequestColumns;
  readonly notes: readonly string[];
}

/** What leaves a field out. */
const NONE = "null";

/**
 * A workload with some of it otherwise: `workload.rate`, `length`, `prompt` and `output` are factors, `workload.adapters` is a law such as
 * `count=200,popularity=zipf:1.1,ranks=8:64` by which adapters (LoRA) are drawn anew for the same requests, or `null`: none has one, and `workload.images` likewise one such as
 * `count=1-4,sizes=640x640`.
 *
 * Errors: `usage` naming the path of a change that is none of these or is made twice; `workload-invalid` for a text that is no law.
 */
export function changeRequests(before: RequestColumns, changes: readonly Change[]): ChangedRequests {
  const scale = { rate: 1, length: 1, prompt: 1, output: 1 };
  const seen = new Set<string>();
  let law: string | undefined;
  let images: string | undefined;
  for (const { path, value } of changes) {
    const field = path.slice("workload.".length);
    const refused = (detail: string): HeddleError => new HeddleError("usage", { where: `--change ${path}`, detail });
    if (seen.has(field)) throw refused("a field is changed once");
    seen.add(field);
    if (field === "images") {
      images = value;
      continue;
    }
    if (field === "adapters") {
      law = value;
      continue;
    }
    const factor = Number(value);
    if (!Object.hasOwn(scale, field) || !(factor > 0 && factor <= 1e6)) {
      const names = Object.keys(scale).join(", workload.");
      throw refused(
        `workload.${names} are factors above 0; workload.adapters is a law such as count=200,ranks=16, workload.images one such as count=1-4, or null`,
      );
    }
    scale[field as keyof typeof scale] = factor;
  }
  const illustrated = images === undefined ? { requests: before, notes: [] } : withImages(before, images);
  const drawn = law === undefined ? { requests: illustrated.requests, notes: [] } : withAdapters(illustrated.requests, law);
  const adapted = { requests: drawn.requests, notes: [...illustrated.notes, ...drawn.notes] };
  const factors = { rate: scale.rate, prompt: scale.prompt * scale.length, output: scale.output * scale.length };
  return { ...adapted, requests: scaleColumns(adapted.requests, factors) };
}

function withAdapters(before: RequestColumns, law: string): ChangedRequests {
  const { adapter, adapterRanks: _ranks, ...plain } = before;
  if (law === NONE) return { requests: plain, notes: adapter === undefined ? [] : ["no request has an adapter after the change"] };
  const requests = drawAdapters(plain, parseAdapters(law));
  return {
    requests,
    notes: adapter === undefined ? [] : ["adapters of the requests are drawn anew; which request has which is another draw"],
  };
}

function withImages(before: RequestColumns, law: string): ChangedRequests {
  const { images, ...plain } = before;
  if (law === NONE) return { requests: plain, notes: images === undefined ? [] : ["no request has an image after the change"] };
  const requests = drawImages(plain, parseImages(law));
  return { requests, notes: images === undefined ? [] : ["images of the requests are drawn anew"] };
}
