import { unreachable } from "../../base/assert.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import type { Collective, CollectiveGroup } from "../device/collective.ts";
import type { HostTensor } from "../device/tensor.ts";
import { bytesView, elementsIn, elementsOf, tensorIn } from "../device/tensor-arrays.ts";
import { reduceInto } from "./reduce.ts";

/**
 * A member's part in a collective over tensors in the host's memory; gives its result, in memory of its own.
 *
 * Model: rings. A piece that is reduced starts at the member behind its owner and is summed in the order of ranks from there, once: every member
 * has the same bits, and a run gives those of the run before. Each member sends and receives 2 (n - 1) / n of its bytes in an all-reduce.
 * Errors: `input-invalid` where an axis does not divide or members give unlike tensors; `host-lost` from the group.
 * Source: Patarasuk, Yuan: Bandwidth optimal all-reduce algorithms, J. Parallel Distrib. Comput. 69(2), 2009.
 */
export async function runCollective(group: CollectiveGroup, call: Collective, tensor: HostTensor): Promise<HostTensor> {
  switch (call.op) {
    case "all-reduce":
      return allReduce(group, call.reduce, tensor);
    case "all-gather":
      return allGather(group, tensor);
    case "reduce-scatter":
      return reduceScatter(group, call.reduce, tensor);
    case "broadcast":
      return broadcast(group, call.root, tensor);
    case "all-to-all":
      return allToAll(group, tensor);
    default:
      return unreachable(call);
  }
}

/** Starts of `size` nearly equal pieces of `count` elements, and the end. */
function cuts(count: number, size: number): number[] {
  return Array.from({ length: size + 1 }, (_, piece) => Math.floor((count * piece) / size));
}

/** After it piece `rank` of `bytes` is reduced over all members. */
async function reducePieces(
  group: CollectiveGroup,
  reduce: "sum" | "max",
  work: { readonly tensor: HostTensor; readonly bytes: Uint8Array; readonly edges: readonly number[] },
): Promise<void> {
  const { rank, size } = group;
  const { tensor, bytes, edges } = work;
  for (let step = 1; step < size; step++) {
    const given = (rank - step + size) % size;
    const taken = (rank - step - 1 + 2 * size) % size;
    group.send((rank + 1) % size, bytes.slice(edges[given]!, edges[given + 1]!));
    const place = bytes.subarray(edges[taken]!, edges[taken + 1]!);
    const came = await receive(group, (rank - 1 + size) % size, place.byteLength);
    // What came was summed by the members before this one.
    const sum = elementsIn(tensor.type, came);
    reduceInto(tensor.type, reduce, { a: sum, b: elementsIn(tensor.type, place) });
    place.set(bytesView(sum));
  }
}

/** After it all pieces lie in `bytes`; before, only piece `rank`. */
async function passPieces(group: CollectiveGroup, bytes: Uint8Array, edges: readonly number[]): Promise<void> {
  const { rank, size } = group;
  for (let step = 0; step < size - 1; step++) {
    const given = (rank - step + size) % size;
    const taken = (rank - step - 1 + size) % size;
    group.send((rank + 1) % size, bytes.slice(edges[given]!, edges[given + 1]!));
    bytes.set(await receive(group, (rank - 1 + size) % size, edges[taken + 1]! - edges[taken]!), edges[taken]!);
  }
}

async function allReduce(group: CollectiveGroup, reduce: "sum" | "max", tensor: HostTensor): Promise<HostTensor> {
  const bytes = bytesView(tensor.data).slice();
  const edges = cuts(tensor.data.length, group.size).map((element) => element * tensor.data.BYTES_PER_ELEMENT);
  await reducePieces(group, reduce, { tensor, bytes, edges });
  await passPieces(group, bytes, edges);
  return tensorIn(tensor.type, tensor.dims, bytes);
}

async function reduceScatter(group: CollectiveGroup, reduce: "sum" | "max", tensor: HostTensor): Promise<HostTensor> {
  const rows = rowsEach(group, tensor);
  const bytes = bytesView(tensor.data).slice();
  const piece = bytes.byteLength / group.size;
  await reducePieces(group, reduce, { tensor, bytes, edges: Array.from({ length: group.size + 1 }, (_, i) => i * piece) });
  return tensorIn(tensor.type, [rows, ...tensor.dims.slice(1)], bytes.slice(group.rank * piece, (group.rank + 1) * piece));
}

async function allGather(group: CollectiveGroup, tensor: HostTensor): Promise<HostTensor> {
  const { rank, size } = group;
  const own = bytesView(tensor.data);
  const rowBytes = elementsOf(tensor.dims.slice(1)) * tensor.data.BYTES_PER_ELEMENT;
  const parts: Uint8Array[] = Array.from({ length: size }, () => own);
  for (let step = 0; step < size - 1; step++) {
    group.send((rank + 1) % size, parts[(rank - step + size) % size]!.slice());
    const came = await group.receive((rank - 1 + size) % size);
    if (rowBytes > 0 && came.byteLength % rowBytes !== 0)
      throw invalid(`a member gives ${came.byteLength} bytes where a row has ${rowBytes}`);
    parts[(rank - step - 1 + size) % size] = came;
  }
  const all = joined(parts);
  const rows = rowBytes > 0 ? all.byteLength / rowBytes : size * (tensor.dims[0] ?? 1);
  return tensorIn(tensor.type, [rows, ...tensor.dims.slice(1)], all);
}

/** From the root on, each member hands it to the next. */
async function broadcast(group: CollectiveGroup, root: number, tensor: HostTensor): Promise<HostTensor> {
  const { rank, size } = group;
  if (!(Number.isInteger(root) && root >= 0 && root < size)) throw invalid(`root ${root} of ${size} members`);
  const own = bytesView(tensor.data);
  const bytes = rank === root ? own.slice() : await receive(group, (rank - 1 + size) % size, own.byteLength);
  if ((rank + 1) % size !== root) group.send((rank + 1) % size, bytes.slice());
  return tensorIn(tensor.type, tensor.dims, bytes);
}

async function allToAll(group: CollectiveGroup, tensor: HostTensor): Promise<HostTensor> {
  const { rank, size } = group;
  rowsEach(group, tensor);
  const own = bytesView(tensor.data);
  const piece = own.byteLength / size;
  const others = Array.from({ length: size - 1 }, (_, i) => (rank + 1 + i) % size);
  for (const other of others) group.send(other, own.slice(other * piece, (other + 1) * piece));
  const all = new Uint8Array(own.byteLength);
  all.set(own.subarray(rank * piece, (rank + 1) * piece), rank * piece);
  for (const other of others) all.set(await receive(group, other, piece), other * piece);
  return tensorIn(tensor.type, tensor.dims, all);
}

function rowsEach({ size }: CollectiveGroup, { dims }: HostTensor): number {
  const rows = dims[0];
  if (rows === undefined || rows % size !== 0) throw invalid(`the first axis of [${dims.join(", ")}] does not divide by ${size} members`);
  return rows / size;
}

async function receive(group: CollectiveGroup, source: number, bytes: number): Promise<Uint8Array> {
  const came = await group.receive(source);
  if (came.byteLength !== bytes) throw invalid(`member ${source} gives ${came.byteLength} bytes where ${bytes} are wanted`);
  return came;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all;
}

function invalid(detail: string): HeddleError {
  return new HeddleError("input-invalid", { where: "collective", detail });
}
