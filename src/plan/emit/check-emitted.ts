import type { Emitted, KubernetesObject } from "./emit-types.ts";
import { checkArguments } from "./options/check-arguments.ts";
import { ENGINE_OF_WORKER } from "./options/command-packages.ts";
import type { OptionList } from "./options/option-list.ts";
import type { CommandName } from "./options/read/read-package.ts";
import { writtenList } from "./options/written-lists.ts";
import { DYNAMO_SCHEMA, LLM_D_SCHEMA } from "./schema/chart-schemas.ts";
import { checkSchema, type JsonSchema } from "./schema/check-schema.ts";
import { KUBERNETES_DEFINITIONS, KUBERNETES_VERSION } from "./schema/generated/kubernetes.ts";
import { definitionName, KIND_DEFINITIONS, type KubernetesSchemas } from "./schema/kubernetes-definitions.ts";

/** What a check is made with; what is absent comes from the lists that heddle keeps. */
export interface EmitReferences {
  readonly lists?: Readonly<Partial<Record<CommandName, OptionList>>>;
  readonly kubernetes?: KubernetesSchemas;
}

/** A fault of what was written, and what it was held against. */
export interface EmitFault {
  readonly where: string;
  readonly detail: string;
}

export interface EmitCheck {
  readonly faults: readonly EmitFault[];
  /** One line each: `vllm: 27 arguments against vllm 0.33.0 (written list)`. */
  readonly against: readonly string[];
}

const WRITTEN_SCHEMAS: KubernetesSchemas = {
  version: KUBERNETES_VERSION,
  origin: "written",
  definitions: (reference) => KUBERNETES_DEFINITIONS[definitionName(reference)],
};

/** Holds launch commands against the options that the commands declare, and Kubernetes objects against their schemas. */
export function checkEmitted({ commands, objects }: Emitted, references: EmitReferences = {}): EmitCheck {
  const faults: EmitFault[] = [];
  const against: string[] = [];
  const list = (command: CommandName): OptionList => references.lists?.[command] ?? writtenList(command);
  for (const { pool, command, args, positional } of commands) {
    const engine = ENGINE_OF_WORKER[command];
    const merged = engine === undefined ? list(command) : mergedLists(list(command), list(engine), WORKER_CHOICES[command]);
    against.push(`${pool}: ${args.length} words of ${command} against ${merged.version} (${originWords(merged.origin)})`);
    for (const { argument, detail } of checkArguments(merged, args, positional)) faults.push({ where: `${pool}, ${argument}`, detail });
  }
  const schemas = references.kubernetes ?? WRITTEN_SCHEMAS;
  if (objects.length > 0) against.push(`${objects.length} objects against ${schemas.version} (${originWords(schemas.origin)})`);
  for (const object of objects) faults.push(...objectFaults(object, schemas));
  return { faults, against };
}

function originWords(origin: "written" | "package"): string {
  return origin === "package" ? "read from the package" : "written list";
}

/**
 * Words that a Dynamo worker takes of an engine's option and makes the engine's own of. Source: roles of SGLang workers in Dynamo's documentation (v1.6.0), SGLang
 * Multimodal: `encode`, and `pd` for those that compute prompts and decode behind encoders.
 */
const WORKER_CHOICES: Readonly<Partial<Record<CommandName, ReadonlyMap<string, readonly string[]>>>> = {
  "dynamo-sglang": new Map([["--disaggregation-mode", ["encode", "pd"]]]),
};

function mergedLists(own: OptionList, engine: OptionList, more: ReadonlyMap<string, readonly string[]> = new Map()): OptionList {
  const options = new Map(engine.options);
  for (const [name, words] of more) {
    const option = options.get(name);
    if (option?.choices !== undefined) options.set(name, { ...option, choices: [...option.choices, ...words] });
  }
  return {
    version: `${own.version} and ${engine.version}`,
    origin: own.origin === "package" && engine.origin === "package" ? "package" : "written",
    options: new Map([...options, ...own.options]),
  };
}

function objectFaults(object: KubernetesObject, { definitions }: KubernetesSchemas): EmitFault[] {
  const { apiVersion, kind, metadata } = object;
  const schema = schemaOf(`${apiVersion} ${kind}`);
  const where = `${kind} ${metadata.name}`;
  if (schema === undefined) return [{ where, detail: "no schema of this kind is at hand" }];
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...values } = object;
  const value = schema === LLM_D_SCHEMA ? values : object;
  return checkSchema(value, schema, definitions).map((fault) => ({ where: `${where}, ${fault.path}`, detail: fault.detail }));
}

function schemaOf(kind: string): JsonSchema | undefined {
  if (kind === "nvidia.com/v1beta1 DynamoGraphDeployment") return DYNAMO_SCHEMA;
  if (kind === "llm-d-modelservice Values") return LLM_D_SCHEMA;
  const name = KIND_DEFINITIONS[kind];
  return name === undefined ? undefined : { $ref: name };
}
