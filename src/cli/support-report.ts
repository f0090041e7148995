import type { DeviceSupport } from "../execute/discover/model-support.ts";
import type { Rack } from "../rack/rack.ts";
import { table } from "./output.ts";

/** A driver that no device of the rack has, because what it needs is not installed. */
export interface AbsentDriver {
  readonly driver: string;
  readonly install: string;
}

/** What brings the drivers that find devices of a machine. */
const INSTALLS: readonly AbsentDriver[] = [
  { driver: "ort", install: "npm install onnxruntime-node" },
  { driver: "ort-wasm", install: "npm install onnxruntime-web" },
  { driver: "openvino", install: "heddle driver pull openvino" },
  { driver: "llama", install: "npm install node-llama-cpp@3.21.1" },
];

/** Drivers of this version that find no device here. */
export function absentDrivers({ devices }: Rack): readonly AbsentDriver[] {
  return INSTALLS.filter(({ driver }) => !devices.some((device) => device.driver === driver));
}

/** What devices refuse of a model, for people: a row a device, then for each what it refuses, a line a kind of operator. */
export function supportText(model: string, supports: readonly DeviceSupport[], absent: readonly AbsentDriver[]): string {
  const rows = supports.map((support) => [support.device, support.driver, takenOf(support)]);
  const missing = absent.map(({ driver, install }) => ["none", driver, `not installed: ${install}`]);
  return [
    `what devices say of ${model}`,
    table(["device", "driver", "takes"], [...rows, ...missing]),
    ...supports.flatMap(refusalText),
  ].join("\n\n");
}

function takenOf(support: DeviceSupport): string {
  switch (support.state) {
    case "missing":
      return `not asked: ${support.detail}`;
    case "whole":
      return support.refused === undefined ? "the whole model, never parts" : `nothing: ${support.refused}`;
    case "asked": {
      const count = refusedCount(support);
      return count === 0 ? `all ${support.operators} operators` : `${support.operators - count} of ${support.operators} operators`;
    }
  }
}

function refusalText(support: DeviceSupport): readonly string[] {
  if (support.state !== "asked" || support.refused.length === 0) return [];
  const lines = support.refused.map(({ type, count, example, reason }) => `  ${type}, ${count} (first: ${example}): ${reason}`);
  return [[`${support.device} refuses ${refusedCount(support)} of ${support.operators} operators:`, ...lines].join("\n")];
}

function refusedCount({ refused }: Extract<DeviceSupport, { readonly state: "asked" }>): number {
  return refused.reduce((sum, one) => sum + one.count, 0);
}
