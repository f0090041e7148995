import type { RequestColumns } from "../../serving/serving-input.ts";
import type { WorkloadRequest } from "../workload.ts";
import { workloadInvalid } from "../workload-error.ts";

/** Adapters of the requests as numbers, in the order in which they first come; nothing where none has one. Errors: `workload-invalid` where one has two ranks. */
export function adapterColumns(requests: readonly WorkloadRequest[]): Pick<RequestColumns, "adapter" | "adapterRanks"> {
  if (requests.every(({ adapter }) => adapter === undefined)) return {};
  const numbers = new Map<string, number>();
  const ranks: number[] = [];
  const adapter = Int32Array.from(requests, ({ adapter: one }) => {
    if (one === undefined) return -1;
    const known = numbers.get(one.name) ?? ranks.length;
    numbers.set(one.name, known);
    const before = ranks[known] ?? 0;
    if (one.rank !== undefined && before !== 0 && before !== one.rank)
      throw workloadInvalid({ field: "adapter_rank" }, `${one.name} has rank ${before} and rank ${one.rank}`);
    ranks[known] = one.rank ?? before;
    return known;
  });
  return { adapter, adapterRanks: Int32Array.from(ranks) };
}
