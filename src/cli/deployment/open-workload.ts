import { existsSync } from "node:fs";
import { HeddleError } from "../../base/heddle-error.ts";
import type { RequestColumns } from "../../simulate/serving/serving-input.ts";
import { requestColumns } from "../../simulate/workload/columns/request-columns.ts";
import { scaleColumns, type WorkloadScale } from "../../simulate/workload/columns/scale-columns.ts";
import { drawAdapters, parseAdapters } from "../../simulate/workload/generate/adapter-draw.ts";
import { generateColumns } from "../../simulate/workload/generate/generate-columns.ts";
import { GENERATED_FORMS, isGenerated } from "../../simulate/workload/generate/generated-forms.ts";
import { drawImages, parseImages } from "../../simulate/workload/generate/image-draw.ts";
import { readWorkload } from "../../simulate/workload/read-workload.ts";
import type { CountTokens } from "../../simulate/workload/share-gpt-json.ts";
import type { Workload } from "../../simulate/workload/workload.ts";
import { workloadInvalid } from "../../simulate/workload/workload-error.ts";
import { parseBytesFile } from "../read-file.ts";
import { openTokenCount } from "./token-count.ts";

/** A workload in columns, with where it comes from. */
export interface OpenWorkload {
  readonly source: string;
  readonly requests: RequestColumns;
  readonly leftOut: NonNullable<Workload["leftOut"]>;
}

export interface WorkloadOptions {
  readonly scale?: WorkloadScale;
  /** File whose pairs of lengths a generated workload draws. */
  readonly lengths?: string;
  /** `tokenizer.json` that counts the tokens of files of texts. */
  readonly tokenizer?: string;
  /** Adapters drawn for requests of a workload that has none. */
  readonly adapters?: string;
  /** Images drawn for requests of a workload that has none. */
  readonly images?: string;
}

/** A generated workload or the file at a path. Errors: `workload-invalid`, `file-unreadable`, `usage`. */
export function openWorkload(named: string, options: WorkloadOptions): OpenWorkload {
  const countTokens = options.tokenizer === undefined ? undefined : openTokenCount(options.tokenizer);
  const plain = isGenerated(named) ? generated(named, options.lengths, countTokens) : fromFile(named, options, countTokens);
  const seen = options.images === undefined ? plain : illustrated(plain, options.images);
  const opened = options.adapters === undefined ? seen : adapted(seen, options.adapters);
  const { scale } = options;
  if (scale === undefined) return opened;
  const factors = (["rate", "prompt", "output"] as const).flatMap((name) => (scale[name] === 1 ? [] : [`${name} x ${scale[name]}`]));
  return { ...opened, source: `${opened.source}, ${factors.join(", ")}`, requests: scaleColumns(opened.requests, scale) };
}

/** Errors: `usage` where the workload has adapters of its own; `workload-invalid` for a text that is no law. */
function adapted(opened: OpenWorkload, text: string): OpenWorkload {
  const law = parseAdapters(text);
  if (opened.requests.adapter !== undefined)
    throw new HeddleError("usage", { where: "--adapters", detail: "the workload says itself which requests have adapters" });
  return { ...opened, source: `${opened.source}, ${law.count} adapters drawn`, requests: drawAdapters(opened.requests, law) };
}

/** Errors: `usage` where the workload has images of its own; `workload-invalid` for a text that is no law. */
function illustrated(opened: OpenWorkload, text: string): OpenWorkload {
  const law = parseImages(text);
  if (opened.requests.images !== undefined)
    throw new HeddleError("usage", { where: "--images", detail: "the workload says itself which requests have images" });
  return { ...opened, source: `${opened.source}, images drawn`, requests: drawImages(opened.requests, law) };
}

function generated(text: string, lengths: string | undefined, countTokens: CountTokens | undefined): OpenWorkload {
  if (lengths === undefined) {
    if (countTokens !== undefined) throw new HeddleError("usage", { where: "--tokenizer", detail: "a generated workload has no texts" });
    return { source: text, requests: generateColumns(text), leftOut: [] };
  }
  const file = readCounted(lengths, countTokens);
  return {
    source: `${text}, lengths of ${file.source}`,
    requests: generateColumns(text, { lengths: requestColumns(file) }),
    leftOut: file.leftOut ?? [],
  };
}

function fromFile(path: string, { lengths }: WorkloadOptions, countTokens: CountTokens | undefined): OpenWorkload {
  if (lengths !== undefined)
    throw new HeddleError("usage", { where: "--lengths", detail: "goes with a generated workload; this one is a file" });
  const form = /^([a-z]+):.*=/.exec(path)?.[1];
  if (form !== undefined && !existsSync(path))
    throw workloadInvalid({}, `${form} is neither a file nor one of ${Object.keys(GENERATED_FORMS).join(", ")}`);
  const workload = readCounted(path, countTokens);
  return { source: workload.source, requests: requestColumns(workload), leftOut: workload.leftOut ?? [] };
}

/** A workload file; a tokenizer that nothing was counted with is refused. */
function readCounted(path: string, countTokens: CountTokens | undefined): Workload {
  if (countTokens === undefined) return parseBytesFile(path, readWorkload);
  let counted = false;
  const count: CountTokens = (text) => {
    counted = true;
    return countTokens(text);
  };
  const workload = parseBytesFile(path, (bytes) => readWorkload(bytes, { countTokens: count }));
  if (!counted) throw new HeddleError("usage", { where: "--tokenizer", detail: `${path} holds numbers of tokens, not texts` });
  return workload;
}
