import { strToU8, unzipSync, zipSync } from "fflate";

/** The JSON of an archive as plain data that a test changes. */
export type ProgramJson = {
  graph_module: {
    graph: {
      inputs: Record<string, { name: string }>[];
      outputs: unknown[];
      nodes: { target: string; inputs: { name: string; arg: Record<string, unknown> }[]; outputs: Record<string, unknown>[] }[];
      tensor_values: Record<string, { dtype: number; sizes: Record<string, unknown>[] }>;
      sym_int_values: Record<string, Record<string, unknown>>;
    };
    signature: { input_specs: Record<string, unknown>[]; output_specs: Record<string, unknown>[] };
  };
  range_constraints: Record<string, { min_val: number | null; max_val: number | null }>;
  schema_version: { major: number; minor: number };
};

/** Entries of an archive by their names. */
export function entriesOf(archive: Uint8Array): Record<string, Uint8Array> {
  return unzipSync(archive);
}

export function programName(entries: Record<string, Uint8Array>): string {
  return Object.keys(entries).find((name) => name.endsWith("models/model.json") || name === "serialized_exported_program.json")!;
}

/** An archive whose program is another one. */
export function withProgram(archive: Uint8Array, change: (program: ProgramJson) => void): Uint8Array {
  const entries = entriesOf(archive);
  const name = programName(entries);
  const text = new TextDecoder().decode(entries[name]!).replace(/: -Infinity/g, ': "-Infinity"');
  const program = JSON.parse(text) as ProgramJson;
  change(program);
  return zipSync({ ...entries, [name]: strToU8(JSON.stringify(program)) }, { level: 1 });
}

/** An archive that states shapes of its inputs and weights only. */
export function withoutActivations(archive: Uint8Array): Uint8Array {
  return withProgram(archive, ({ graph_module: { graph } }) => {
    const given = new Set(graph.inputs.map((input) => Object.values(input)[0]!.name));
    for (const name of Object.keys(graph.tensor_values)) if (!given.has(name)) delete graph.tensor_values[name];
  });
}
