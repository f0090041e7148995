import type { Estimate } from "../../../cost/estimate.ts";
import type { NoBasis } from "../../device/device-driver.ts";

/** What runs of one type of operator took here. Units: ns and bytes. */
interface Record {
  runs: number;
  bytes: number;
  ns: number;
  slowest: number;
  fastest: number;
  most: number;
}

export interface History {
  add(type: string, bytes: number, ns: number): void;
  /** Sum over operators; each at the mean time a byte of its type, between the fastest and the slowest run there was. */
  estimate(operators: readonly { readonly type: string; readonly bytes: number }[]): Estimate | NoBasis;
}

/** Runs of a few bytes take their fixed cost; it is spread over this many. Units: bytes. */
const FEW_BYTES = 4_096;
/** Beyond the largest run by this factor nothing is said. */
const FAR = 64;

export function createHistory(): History {
  const records = new Map<string, Record>();
  return {
    add: (type, bytes, ns) => {
      const size = Math.max(bytes, FEW_BYTES);
      const record = records.get(type) ?? { runs: 0, bytes: 0, ns: 0, slowest: 0, fastest: Number.POSITIVE_INFINITY, most: 0 };
      record.runs++;
      record.bytes += size;
      record.ns += ns;
      record.slowest = Math.max(record.slowest, ns / size);
      record.fastest = Math.min(record.fastest, ns / size);
      record.most = Math.max(record.most, size);
      records.set(type, record);
    },
    estimate: (operators) => {
      let [valueNs, lowNs, highNs] = [0, 0, 0];
      let within = true;
      for (const { type, bytes } of operators) {
        const record = records.get(type);
        const size = Math.max(bytes, FEW_BYTES);
        if (record === undefined) return { noBasis: `no ${type} has run here yet` };
        if (size > FAR * record.most) return { noBasis: `no ${type} of more than ${record.most} bytes has run here` };
        within &&= size <= record.most;
        valueNs += (size * record.ns) / record.bytes;
        lowNs += size * record.fastest;
        highNs += size * record.slowest;
      }
      const basis = within ? "interpolated" : "extrapolated";
      return {
        valueNs: Math.round(valueNs),
        lowNs: Math.floor(lowNs),
        highNs: Math.ceil(highNs),
        basis,
        source: "runs since the device was opened",
      };
    },
  };
}
