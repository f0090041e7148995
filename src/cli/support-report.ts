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

/** What devices refuse of a model, for people: a row a device, and one for each kind of operator it refuses. */
export function supportText(model: string, supports: readonly DeviceSupport[], absent: readonly AbsentDriver[]): string {
  const rows = supports.flatMap((support) => rowsOf(support).map((cells) => [support.device, support.driver, ...cells]));
  const missing = absent.map(({ driver, install }) => ["none", driver, "not installed", "", "", "", install]);
  const head = ["device", "driver", "model", "refused", "count", "first", "reason"];
  return [`what devices say of ${model}`, table(head, [...rows, ...missing])].join("\n\n");
}

type Cells = readonly [string, string, string, string, string];

function rowsOf(support: DeviceSupport): readonly Cells[] {
  switch (support.state) {
    case "missing":
      return [["not asked", "", "", "", support.detail]];
    case "whole":
      return [[support.refused === undefined ? "whole, never in parts" : "refused", "", "", "", support.refused ?? ""]];
    case "asked": {
      const { operators, refused } = support;
      const count = refused.reduce((sum, one) => sum + one.count, 0);
      const taken = count === 0 ? `all ${operators} operators` : `${operators - count} of ${operators} operators`;
      if (count === 0) return [[taken, "", "", "", ""]];
      return refused.map(({ type, count: some, example, reason }): Cells => [taken, type, String(some), example, reason]);
    }
  }
}
