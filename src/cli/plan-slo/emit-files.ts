import { join } from "node:path";
import { HeddleError, toHeddleError } from "../../base/heddle-error.ts";
import { writeWhole } from "../../execute/discover/rack-cache.ts";
import { openPackageText } from "../../execute/emit/package-text.ts";
import type { Deployment } from "../../plan/deployment/deployment.ts";
import { checkEmitted, type EmitCheck, type EmitReferences } from "../../plan/emit/check-emitted.ts";
import { emitDeployment } from "../../plan/emit/emit.ts";
import type { EmitOptions, EmitTarget, Emitted } from "../../plan/emit/emit-types.ts";
import { COMMAND_PACKAGES } from "../../plan/emit/options/command-packages.ts";
import type { OptionList } from "../../plan/emit/options/option-list.ts";
import { type CommandName, readPackageOptions } from "../../plan/emit/options/read/read-package.ts";
import { readKubernetesDefinitions } from "../../plan/emit/schema/kubernetes-definitions.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { note } from "../output.ts";
import type { EmitFlags } from "./slo-options.ts";

/** A deployment written for one target, with what it was held against. */
export interface WrittenTarget {
  readonly target: EmitTarget;
  readonly files: Emitted["files"];
  readonly notes: readonly string[];
  readonly checkedAgainst: readonly string[];
}

const KUBERNETES_PACKAGE = "kubernetes-validate";
/** Names of devices among Kubernetes' resources, by vendor. Source: values.yaml of the chart llm-d-modelservice (024c0f2). */
const RESOURCES: Readonly<Record<string, string>> = { NVIDIA: "nvidia.com/gpu", AMD: "amd.com/gpu" };

/**
 * Writes a deployment for each target and holds it against the target's own options and schemas.
 *
 * Errors: `emit-inexpressible` with every field that a target has no word for; `emit-invalid` where what was written does not hold; `file-unreadable`.
 */
export function emitTargets(deployment: Deployment, sheets: readonly DeviceSheet[], flags: EmitFlags): WrittenTarget[] {
  const references = referencesOf(flags.checkWith);
  return flags.emit.map((target) => {
    const emitted = emitDeployment(target, deployment, emitOptions(sheets, flags));
    if (!emitted.ok) {
      const detail = emitted.error.map(({ where, field, detail: why }) => `${where}, ${field}: ${why}`).join("; ");
      throw new HeddleError("emit-inexpressible", { where: target, detail });
    }
    const check = checkEmitted(emitted.value, references);
    refuseFaults(target, check);
    return { target, files: emitted.value.files, notes: emitted.value.notes, checkedAgainst: check.against };
  });
}

function refuseFaults(target: EmitTarget, { faults }: EmitCheck): void {
  if (faults.length === 0) return;
  throw new HeddleError("emit-invalid", { where: target, detail: faults.map(({ where, detail }) => `${where}: ${detail}`).join("; ") });
}

/** Writes the files into a folder each target, or prints them. */
export function writeTargets(written: readonly WrittenTarget[], folder: string | undefined): void {
  for (const { target, files, notes, checkedAgainst } of written) {
    for (const { name, text } of files) {
      if (folder === undefined) {
        process.stdout.write(`# ${target}: ${name}\n${text}\n`);
        continue;
      }
      writeWhole(join(folder, target, name), text);
      note(`wrote ${join(folder, target, name)}`);
    }
    for (const line of [...checkedAgainst.map((each) => `checked: ${each}`), ...notes]) note(`${target}: ${line}`);
  }
}

function emitOptions(sheets: readonly DeviceSheet[], flags: EmitFlags): EmitOptions {
  const perNode = flags.devicesPerNode ?? only(sheets.map((sheet) => sheet.perNode?.value));
  const resource = flags.accelerator ?? only(sheets.map(({ vendor }) => RESOURCES[vendor]));
  return {
    ...(flags.checkpoint === undefined && flags.checkpointTypes === undefined
      ? {}
      : {
          checkpoint: {
            ...(flags.checkpoint === undefined ? {} : { name: flags.checkpoint }),
            ...flags.checkpointTypes,
          },
        }),
    ...(perNode === undefined ? {} : { devicesPerNode: perNode }),
    ...(resource === undefined ? {} : { acceleratorResource: resource }),
    ...(flags.image === undefined ? {} : { image: flags.image }),
    ...(flags.routerImage === undefined ? {} : { routerImage: flags.routerImage }),
    ...(flags.draft === undefined ? {} : { speculation: flags.draft }),
  };
}

/** The value that all have; undefined where they differ or one is not known. */
function only<T>(values: readonly (T | undefined)[]): T | undefined {
  return new Set(values).size === 1 ? values[0] : undefined;
}

/** Lists of options and schemas of the packages at hand. Errors: `file-unreadable` where a path holds none that is known. */
function referencesOf(paths: readonly string[]): EmitReferences {
  const lists: Partial<Record<CommandName, OptionList>> = {};
  let kubernetes: EmitReferences["kubernetes"];
  for (const path of paths) {
    let found = 0;
    for (const [command, name] of Object.entries(COMMAND_PACKAGES) as [CommandName, string][]) {
      const list = attempt(path, () => readPackageOptions(command, openPackageText(path, name)));
      if (list === undefined) continue;
      lists[command] = list;
      found++;
    }
    const schemas = attempt(path, () => readKubernetesDefinitions(openPackageText(path, KUBERNETES_PACKAGE)));
    kubernetes = schemas ?? kubernetes;
    if (found === 0 && schemas === undefined) {
      const known = [...new Set(Object.values(COMMAND_PACKAGES)), KUBERNETES_PACKAGE].join(", ");
      throw new HeddleError("file-unreadable", { where: path, detail: `it holds none of ${known}` });
    }
  }
  return { lists, ...(kubernetes === undefined ? {} : { kubernetes }) };
}

/** Undefined where a path does not hold the package asked for; all else is an error. */
function attempt<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    const error = toHeddleError(thrown);
    if (error.code === "file-unreadable" && error.detail?.endsWith("is not in it") === true) return undefined;
    throw error.code === "internal" ? new HeddleError("file-unreadable", { where: path, cause: thrown }) : error;
  }
}
