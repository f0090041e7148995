import { Document } from "yaml";
import { findDeviceSheet } from "../../rack/catalog/catalog.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { readYaml } from "../../rack/yaml-text.ts";
import type { Deployment, Pool, PoolRole } from "./deployment.ts";
import { checkDeployment } from "./deployment-check.ts";
import { DEFAULT_REASONS, DEPLOYMENT_DEFAULTS } from "./deployment-defaults.ts";
import { type DeploymentFile, deploymentSchema, type PoolFile } from "./deployment-schema.ts";
import { ENGINE_REASONS, engineDefaults } from "./engine-defaults.ts";
import type { LoraSettings } from "./lora.ts";

/** Longest deployment file read. Units: characters. */
const DEPLOYMENT_TEXT_MAX = 1_048_576;

/** A value that the file leaves out, as the reports show it. */
export interface FilledDefault {
  /** As in `pools.0.engine.maxSequences`. */
  readonly field: string;
  readonly value: string;
  readonly reason: string;
}

export interface ReadDeployment {
  readonly deployment: Deployment;
  readonly defaults: readonly FilledDefault[];
}

/** Sheet of a device by the name a deployment has for it; undefined where there is none. */
export type FindSheet = (device: string) => DeviceSheet | undefined;

/**
 * Reads a deployment file (YAML or JSON) and fills in what it leaves out; some of that depends on the devices, which are looked for in the catalogue
 * unless `find` knows others.
 *
 * Errors: `deployment-invalid` with line and field; never anything else, whatever the text.
 */
export function readDeployment(text: string, find: FindSheet = findDeviceSheet): ReadDeployment {
  const { value, invalidAt } = readYaml(text, { code: "deployment-invalid", schema: deploymentSchema, textMax: DEPLOYMENT_TEXT_MAX });
  const read = completeDeployment(value, find);
  const fault = checkDeployment(read.deployment);
  if (fault !== undefined) throw invalidAt(fault.path, fault.message);
  return read;
}

/** Writes a deployment as YAML; `readDeployment` of it gives an equal one, without defaults. */
export function writeDeployment(deployment: Deployment): string {
  return new Document(deployment, { aliasDuplicateObjects: false }).toString({ lineWidth: 0 });
}

/** A deployment whose form was checked, with every value, and which of them were filled in. */
export function completeDeployment(file: DeploymentFile, find: FindSheet = findDeviceSheet): ReadDeployment {
  const defaults: FilledDefault[] = [];
  const filled = <T>(field: string, given: T | undefined, value: T, reason: string): T => {
    if (given !== undefined) return given;
    defaults.push({ field, value: String(value), reason: DEFAULT_REASONS[reason] ?? reason });
    return value;
  };
  const pools = file.pools.map((pool, i) => completePool(pool, `pools.${i}`, { filled, find }));
  const { fabric, kvTransfer } = file;
  const deployment: Deployment = {
    version: 1,
    model: file.model,
    pools,
    routing: filled("routing", file.routing, DEPLOYMENT_DEFAULTS.routing, "routing"),
    ...(fabric === undefined ? {} : { fabric }),
    ...(kvTransfer === undefined
      ? {}
      : {
          kvTransfer: {
            ...kvTransfer,
            layerwise: filled("kvTransfer.layerwise", kvTransfer.layerwise, false, "KV goes when the prompt is done"),
          },
        }),
  };
  return { deployment, defaults };
}

type Fill = <T>(field: string, given: T | undefined, value: T, reason: string) => T;

function completePool(pool: PoolFile, at: string, { filled, find }: { readonly filled: Fill; readonly find: FindSheet }): Pool {
  const standard = DEPLOYMENT_DEFAULTS;
  const { name, role, replicas, parallel, precision, engine, scaling, outages, lora, ffn, encoder, ...others } = pool;
  const engineName = engine?.name ?? standard.engine.name;
  const data = parallel?.data ?? standard.parallel.data;
  const chosenRole: PoolRole = role ?? "both";
  const fields = <T extends object>(part: string, given: object | undefined, values: T): T => {
    const all: Record<string, unknown> = { ...given };
    for (const [key, value] of Object.entries(values)) {
      // One line says that nothing is divided; single fields are worth a line where others of their part are given.
      const own = part === "engine" ? ENGINE_REASONS[engineName]?.[key] : undefined;
      const known = DEFAULT_REASONS[`${part}.${key}`] === undefined ? part : `${part}.${key}`;
      all[key] = filled(`${at}.${part}.${key}`, all[key], value, own ?? known);
    }
    return all as T;
  };
  // SGLang's encode server takes few images at once; as an engine's sequences elsewhere.
  const few = chosenRole === "encode" && engineName === "sglang" && engine?.maxSequences === undefined;
  const images = few && { maxSequences: filled(`${at}.engine.maxSequences`, undefined, standard.encodeImages, "encode.maxSequences") };
  const given = engine?.attentionDpBalance;
  const balance = given && { attentionDpBalance: fields("engine.attentionDpBalance", given, standard.attentionDpBalance) };
  return {
    ...others,
    name: name ?? `${pool.device}-${at.slice("pools.".length)}`,
    role: chosenRole,
    replicas: filled(`${at}.replicas`, replicas, standard.replicas, "replicas"),
    parallel: fields("parallel", parallel, standard.parallel),
    precision: fields("precision", precision, standard.precision),
    engine: {
      ...fields("engine", { ...engine, ...images }, engineDefaults({ name: engineName, sheet: find(pool.device), data })),
      ...balance,
    },
    ...(lora === undefined ? {} : { lora: completeLora(lora, engineName, fields) }),
    ...(encoder === undefined && chosenRole !== "encode"
      ? {}
      : { encoder: fields("encoder", encoder, { ...encoder, ...standard.encoder, ...encoder }) }),
    ...(scaling === undefined ? {} : { scaling: fields("scaling", scaling, { ...scaling, everyNs: standard.scalingEveryNs }) }),
    ...(ffn === undefined
      ? {}
      : {
          ffn: {
            ...ffn,
            parallel: fields("ffn.parallel", ffn.parallel, standard.ffn.parallel),
            microBatches: filled(`${at}.ffn.microBatches`, ffn.microBatches, standard.ffn.microBatches, "ffn.microBatches"),
          },
        }),
    ...(outages === undefined ? {} : { outages: fields("outages", outages, { ...outages, resubmitNs: standard.resubmitNs }) }),
  };
}

type Fields = <T extends object>(part: string, given: object | undefined, values: T) => T;

/** vLLM keeps no more adapters in the host's memory than have slots, unless told; SGLang all of them. Those beyond come from disk. */
function completeLora(lora: NonNullable<PoolFile["lora"]>, engine: string, fields: Fields): LoraSettings {
  const standard = DEPLOYMENT_DEFAULTS;
  const plain = fields("lora", lora, standard.lora);
  const held: LoraSettings = engine === "vllm" ? fields("lora", plain, { ...plain, cpuLoras: plain.maxLoras }) : plain;
  if (held.cpuLoras === undefined) return held;
  return fields("lora", held, { ...held, diskBytesPerSecond: standard.loraDiskBytesPerSecond });
}
