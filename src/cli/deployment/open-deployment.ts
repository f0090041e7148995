import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { HeddleError } from "../../base/heddle-error.ts";
import { iterationError } from "../../cost/iteration/iteration-fault.ts";
import type { Architecture, SequenceModel } from "../../graph/architecture/architecture.ts";
import { architectureOf } from "../../graph/architecture/config/read-architecture.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import type { Deployment } from "../../plan/deployment/deployment.ts";
import { type FindSheet, type ReadDeployment, readDeployment } from "../../plan/deployment/deployment-file.ts";
import { findDeviceSheet } from "../../rack/catalog/catalog.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { type FabricPlace, placeOnFabric } from "../../simulate/deployment/fabric-place.ts";
import { encodesElsewhere } from "../../simulate/deployment/pool-encoder.ts";
import { type PricedPool, pricePool } from "../../simulate/deployment/price-pool.ts";
import { type DeploymentNetwork, readNetwork } from "../../simulate/fabric/read-fabric.ts";
import { architectureOfFile, unknownModel } from "../config-file.ts";
import { sheetOf } from "../rack-catalog.ts";
import { parseTextFile, readTextFile } from "../read-file.ts";
import type { OperatorSource } from "./operator-source.ts";
import { operatorsFrom } from "./operators-of.ts";

/** A deployment with what its names stand for, priced. */
export interface OpenDeployment extends ReadDeployment {
  readonly architecture: SequenceModel;
  readonly pools: readonly PricedPool[];
}

/** Models and devices that no catalogue has, given beside a deployment. */
export interface GivenParts {
  /** By the name the deployment gives them. */
  readonly devices?: Readonly<Record<string, DeviceSheet>>;
  /** Where prices of operators come from; absent: `measured`. */
  readonly operators?: OperatorSource;
  /** Configuration of the model. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** A deployment file; paths of device sheets in it are relative to its folder. Errors: `file-unreadable`, `deployment-invalid`. */
export function readDeploymentFile(path: string): ReadDeployment {
  return parseTextFile(path, (text) => readDeployment(text, sheetIn(dirname(path))));
}

/** Reads a deployment file and prices its pools. Errors: `file-unreadable`, `deployment-invalid`, and those of `priceDeployment`. */
export function openDeployment(path: string, given: GivenParts = {}): OpenDeployment {
  const read = readDeploymentFile(path);
  return { ...read, ...priceDeployment(read.deployment, dirname(path), given) };
}

/**
 * What a deployment's model and devices are, and what its iterations cost: by operators that were imported of a device (`heddle calibrate --import`), else by
 * its data sheet. Paths in it are relative to `folder`.
 *
 * Errors: `model-not-found`, `device-unknown`, `device-sheet-invalid`, `fabric-invalid`, `file-unreadable`, `cut-invalid`, `no-basis`, `does-not-fit`.
 */
export function priceDeployment(
  deployment: Deployment,
  folder: string,
  given: GivenParts = {},
): Pick<OpenDeployment, "architecture" | "pools"> {
  const architecture =
    given.config === undefined ? architectureNamed(deployment.model, folder) : sequence(architectureOf(given.config), deployment.model);
  const sheets = new Map<string, DeviceSheet>();
  const operatorsOf = operatorsFrom(given.operators ?? "measured");
  const sheetFor = (device: string): DeviceSheet => {
    const sheet = sheets.get(device) ?? given.devices?.[device] ?? sheetOf(isPath(device) ? resolve(folder, device) : device);
    sheets.set(device, sheet);
    return sheet;
  };
  const partsOf = (sheet: DeviceSheet) => {
    const operators = operatorsOf(sheet, sheet);
    return { sheet, ...(operators === undefined ? {} : { operators }) };
  };
  const sheeted = deployment.pools.map((pool) => {
    const ffn = pool.ffn === undefined ? {} : { ffn: partsOf(sheetFor(pool.ffn.device)) };
    return { pool, sheet: sheetFor(pool.device), ...ffn };
  });
  const fabrics = fabricPlaces(deployment.fabric === undefined ? undefined : readNetworkFile(resolve(folder, deployment.fabric)), sheeted);
  const pools = sheeted.map(({ pool, sheet, ...ffn }, i) => {
    const imagesApart = encodesElsewhere(pool, deployment);
    const parts = { architecture, ...partsOf(sheet), ...ffn, ...fabrics?.[i], imagesApart };
    const priced = pricePool(pool, i, parts);
    if (!priced.ok) throw iterationError(priced.error, `pool ${pool.name}`);
    return priced.value;
  });
  return { architecture, pools };
}

/** A fabric file. Errors: `file-unreadable`, `fabric-invalid`. */
function readNetworkFile(path: string): DeploymentNetwork {
  return parseTextFile(path, readNetwork);
}

/** Each pool's place on a fabric; undefined where there is none. Errors: those of `placeOnFabric`. */
export function fabricPlaces(
  network: DeploymentNetwork | undefined,
  sheeted: Parameters<typeof placeOnFabric>[1],
): readonly { readonly fabric: FabricPlace }[] | undefined {
  if (network === undefined) return undefined;
  const pools = placeOnFabric(network, sheeted);
  return pools.map((_placed, pool) => ({ fabric: { topology: network.topology, pools, pool } }));
}

/** A model by its name in the catalogue, or by the path of its `config.json`. Errors: `model-not-found` with names near it; the reader's. */
export function architectureNamed(name: string, folder: string): SequenceModel {
  const known = knownArchitecture(name);
  if (known !== undefined) return known;
  const path = resolve(folder, name);
  if (!existsSync(path)) throw unknownModel(name);
  return sequence(architectureOfFile(path, readTextFile(path)), path);
}

/** A model's `config.json` as it stands there. Errors: `file-unreadable`; those of its reader where it is none. */
export function readModelConfig(path: string): Record<string, unknown> {
  const text = readTextFile(path);
  architectureOfFile(path, text);
  return JSON.parse(text) as Record<string, unknown>;
}

function sequence(architecture: Architecture, where: string): SequenceModel {
  if (architecture.kind === "sequence") return architecture;
  throw new HeddleError("model-unsupported", { where, detail: "it has no layers over sequences, so nothing of it is served by tokens" });
}

/** Sheets of the catalogue and of files, whose paths are relative to a folder. What cannot be read is none here; pricing it says why. */
export function sheetIn(folder: string): FindSheet {
  return (device) => {
    if (!isPath(device)) return findDeviceSheet(device);
    try {
      return sheetOf(resolve(folder, device));
    } catch {
      return undefined;
    }
  };
}

export function isPath(device: string): boolean {
  return /\.ya?ml$/i.test(device);
}
