import { HeddleError } from "../../base/heddle-error.ts";

/** Why a configuration has no price or no room; the facts are in the fields. */
export type IterationFault =
  | { readonly code: "cut-invalid"; readonly detail: string }
  | { readonly code: "no-basis"; readonly missing: string }
  | DoesNotFit;

/** Weights and reserve leave no room for the KV of one block. Bytes of one device. */
export interface DoesNotFit {
  readonly code: "does-not-fit";
  readonly needBytes: number;
  readonly haveBytes: number;
  /** By how much: `needBytes - haveBytes`. */
  readonly shortBytes: number;
  /** What needs them, where that is not weights, reserve and one block. */
  readonly what?: string;
}

/** One sentence for people. */
export function iterationFaultText(fault: IterationFault): string {
  switch (fault.code) {
    case "cut-invalid":
      return fault.detail;
    case "no-basis":
      return `no basis: ${fault.missing}`;
    case "does-not-fit": {
      const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
      return `${fault.what === undefined ? "" : `${fault.what}: `}${gigabytes(fault.needBytes)} GB a device needed, ${gigabytes(fault.haveBytes)} there: ${gigabytes(fault.shortBytes)} GB short`;
    }
  }
}

/** The coded error of the table for a fault of a configuration; `where` names the configuration. */
export function iterationError(fault: IterationFault, where: string): HeddleError {
  // The table's message says already that there is no basis.
  return new HeddleError(fault.code, { where, detail: fault.code === "no-basis" ? fault.missing : iterationFaultText(fault) });
}
