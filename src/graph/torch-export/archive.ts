import type { ByteSource } from "../../base/bytes.ts";
import { invalid, unsupported } from "./failures.ts";
import { type Fields, fieldsOf, own, parseJson, textOf } from "./json-fields.ts";
import { readZipDirectory, type ZipEntry } from "./zip-directory.ts";
import { readZipEntry } from "./zip-entry.ts";

/** Parts of an archive that say what the model is. */
export interface Archive {
  readonly name: string;
  readonly program: Fields;
  /** Weights and constants by their names in the model, where the archive's layout says which entry holds which. */
  readonly payloads: ReadonlyMap<string, Payload>;
}

/** An entry that holds a tensor, and the JSON object that describes it. */
export interface Payload {
  readonly entry: ZipEntry;
  readonly meta: unknown;
  /** Pickled objects are no plain elements. */
  readonly isPickled: boolean;
}

/** A graph of 171 tensors takes 0.2 MB; one of 100,000 about as much as this. */
const MAX_JSON_BYTES = 128 * 1024 * 1024;
const OLD_PROGRAM = "serialized_exported_program.json";

/**
 * Finds the model in an archive of torch.export. Entries of weights are not read.
 *
 * Errors: `torch-export-invalid` for what is no archive, `torch-export-unsupported` for archives without one exported model.
 * Source: torch/csrc/export/pt2_archive_constants.h (layout since torch 2.8); torch/export/__init__.py of torch 2.6, `save` (layout before).
 */
export function openArchive(source: ByteSource): Archive {
  const entries = readZipDirectory(source);
  const read = (entry: ZipEntry): Fields => fieldsOf(parseJson(readZipEntry(source, entry, MAX_JSON_BYTES), entry.name), entry.name);
  const old = entries.get(OLD_PROGRAM);
  if (old !== undefined) return { name: "model", program: read(old), payloads: new Map() };
  const models = [...entries.values()].filter(({ name }) => /^[^/]+\/models\/[^/]+\.json$/.test(name));
  const [model, more] = models;
  if (model === undefined) {
    const what = [...entries.keys()].some((name) => name.endsWith("/data.pkl") || name.endsWith("/data.pkl.bytes"))
      ? "weights or TorchScript"
      : "no exported model";
    throw unsupported("the archive", `it holds ${what}; torch.export.save writes what is read here`);
  }
  if (more !== undefined) throw unsupported("the archive", `it holds ${models.length} models`);
  const [root, name] = [model.name.split("/")[0]!, model.name.split("/").at(-1)!.slice(0, -5)];
  const payloads = new Map<string, Payload>();
  for (const kind of ["weights", "constants"]) {
    const config = entries.get(`${root}/data/${kind}/${name}_${kind}_config.json`);
    if (config !== undefined) addPayloads(payloads, read(config), (path) => entries.get(`${root}/data/${kind}/${path}`));
  }
  return { name, program: read(model), payloads };
}

function addPayloads(payloads: Map<string, Payload>, config: Fields, find: (path: string) => ZipEntry | undefined): void {
  for (const [name, value] of Object.entries(fieldsOf(config["config"], "config of weights"))) {
    const where = `weight ${name.slice(0, 120)}`;
    const fields = fieldsOf(value, where);
    const path = textOf(fields["path_name"], where);
    const entry = find(path);
    if (entry === undefined) throw invalid(where, `the archive has no entry ${path.slice(0, 120)}`);
    payloads.set(name, { entry, meta: own(fields, "tensor_meta"), isPickled: fields["use_pickle"] === true });
  }
}
