import type { HostTensor, TensorType } from "../../device/tensor.ts";

/** A small graph of one operator that devices are asked to compute. */
export interface OperatorCase {
  /** `MatMul [3, 7] x [7, 5]`. */
  readonly name: string;
  readonly operator: string;
  readonly domain: string;
  readonly attributes: Readonly<Record<string, CaseAttribute>>;
  /** Tensors it is given in every run; the first size of one that `rows` names is left open in the graph. */
  readonly inputs: readonly CaseInput[];
  readonly outputs: number;
  /** Elements that are added up for one of its results. */
  readonly sumLength: number;
}

export type CaseAttribute = number | string | readonly number[] | { readonly float: number };

/** An input; undefined for one that is not there. */
export type CaseInput =
  | undefined
  | {
      readonly tensor: HostTensor;
      /** Part of the graph, not of the run. */
      readonly isStored?: boolean;
      /** Names the symbol of the first size. */
      readonly rows?: string;
      /** Names of sizes that the graph leaves open, by axis. */
      readonly symbols?: Readonly<Record<number, string>>;
    };

export type { TensorType };
