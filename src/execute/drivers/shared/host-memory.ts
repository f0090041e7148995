import type { HostTensor } from "../../device/tensor.ts";
import { bytesOfTensor, bytesView, tensorIn } from "../../device/tensor-arrays.ts";
import type { NativeMemory, NativeTensor } from "./native-runtime.ts";

/** A tensor in the host's memory; `room` is the buffer its rows are the first of, where it may grow in place. */
export interface HostHeld extends NativeTensor, HostTensor {
  readonly room?: Uint8Array;
}

/** A buffer that is outgrown is followed by one of twice the rows. */
const GROWTH = 2;

/** Memory of runtimes that compute on the host's arrays: uploads keep the caller's array, downloads give it, appended rows go into spare room. */
export function hostMemory(): NativeMemory<HostHeld> {
  const capacityBytes = (tensor: HostTensor, rows: number): number => rowBytesOf(tensor) * rows;
  return {
    uploadBytes: (tensor, capacity) => Math.max(bytesOfTensor(tensor), capacity === undefined ? 0 : capacityBytes(tensor, capacity)),
    upload: async (tensor, capacity) => {
      const bytes = bytesView(tensor.data);
      // ONNX Runtime takes no arrays on shared memory.
      if (capacity === undefined)
        return held(bytes.buffer instanceof ArrayBuffer ? tensor : tensorIn(tensor.type, tensor.dims, new Uint8Array(bytes)));
      return inRoom(tensor, new Uint8Array(Math.max(bytes.byteLength, capacityBytes(tensor, capacity))));
    },
    download: async (tensor) => ({ type: tensor.type, dims: tensor.dims, data: tensor.data }),
    copy: async (tensor) => held(tensorIn(tensor.type, tensor.dims, new Uint8Array(bytesView(tensor.data)))),
    appendBytes: (target, rows) => (fits(target, rows) ? 0 : grownBytes(target, rows)),
    append: async (target, rows) => {
      const grown = fits(target, rows) ? target : inRoom(target, new Uint8Array(grownBytes(target, rows)));
      const room = grown.room ?? bytesView(grown.data);
      const used = bytesOfTensor(target);
      room.set(bytesView(rows.data), used);
      const dims = [target.dims[0]! + rows.dims[0]!, ...target.dims.slice(1)];
      return { ...tensorIn(target.type, dims, room.subarray(0, used + bytesOfTensor(rows))), room, bytes: room.byteLength };
    },
    free: () => {},
    takeHiddenBytes: () => 0,
  };
}

/** A tensor that a runtime gave, with no room to grow. */
export function held(tensor: HostTensor): HostHeld {
  return { type: tensor.type, dims: tensor.dims, data: tensor.data, bytes: bytesOfTensor(tensor) };
}

function inRoom(tensor: HostTensor, room: Uint8Array): HostHeld {
  const bytes = bytesView(tensor.data);
  room.set(bytes);
  return { ...tensorIn(tensor.type, tensor.dims, room.subarray(0, bytes.byteLength)), room, bytes: room.byteLength };
}

function rowBytesOf({ dims, data }: HostTensor): number {
  return dims.slice(1).reduce((product, size) => product * size, data.BYTES_PER_ELEMENT);
}

function fits(target: HostHeld, rows: HostHeld): boolean {
  return bytesOfTensor(target) + bytesOfTensor(rows) <= (target.room?.byteLength ?? bytesOfTensor(target));
}

function grownBytes(target: HostHeld, rows: HostHeld): number {
  const needed = bytesOfTensor(target) + bytesOfTensor(rows);
  return target.room === undefined ? needed : Math.max(needed, GROWTH * target.room.byteLength);
}
