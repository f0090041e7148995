import { err, ok, type Result } from "../../base/result.ts";
import type { BytesPerSecond } from "../../base/units.ts";
import { draftTopology, type Topology } from "./topology.ts";
import { rateFault, sizeFault, type TopologyFault } from "./topology-fault.ts";

export interface Torus {
  /** Devices along each dimension, such as [16, 16, 16]; the last runs fastest in device ids. */
  readonly sizes: readonly number[];
  /** One link to one neighbour, one way. */
  readonly bytesPerSecond: BytesPerSecond;
}

/**
 * Devices in rings along every dimension, without switches, such as TPU pods (2 or 3 dimensions). A ring of 2 has one link each way, of 1 none.
 *
 * Bisection: the cut across the largest dimension, through both sides of its rings. Paths: dimension by dimension, the shorter way round; where
 * both are equal, upwards.
 */
export function torus({ sizes, bytesPerSecond }: Torus): Result<Topology, TopologyFault> {
  const fault = sizeFault(Object.fromEntries(sizes.map((size, i) => [`dimension ${i + 1}`, size]))) ?? rateFault({ bytesPerSecond });
  if (fault !== undefined) return err(fault);
  if (sizes.length === 0) return err({ code: "topology-invalid", detail: "a torus has at least one dimension" });
  const devices = sizes.reduce((product, size) => product * size, 1);
  const strides = sizes.map((_, d) => sizes.slice(d + 1).reduce((product, size) => product * size, 1));
  const draft = draftTopology(devices);
  /** Link from each device to the next along each dimension; the way back is the following id. */
  const onward = sizes.map((size, d) => {
    const links = new Int32Array(devices).fill(-1);
    const stride = strides[d]!;
    for (let device = 0; device < devices; device++) {
      const at = Math.floor(device / stride) % size;
      if (size === 1 || (size === 2 && at === 1)) continue;
      links[device] = draft.connect(device, device + (((at + 1) % size) - at) * stride, bytesPerSecond);
    }
    return links;
  });
  const largest = Math.max(...sizes);
  const sides = largest > 2 ? 2 : largest - 1;
  return ok(
    draft.finish({
      name: `torus of ${sizes.join(" x ")}`,
      bisectionBytesPerSecond: ((sides * devices) / largest) * bytesPerSecond,
      path(from, to) {
        const path: number[] = [];
        let device = from;
        sizes.forEach((size, d) => {
          const stride = strides[d]!;
          const links = onward[d]!;
          let at = Math.floor(device / stride) % size;
          const ahead = (Math.floor(to / stride) - at + size) % size;
          const upward = ahead * 2 <= size;
          for (let step = upward ? ahead : size - ahead; step > 0; step--) {
            const next = (at + (upward ? 1 : size - 1)) % size;
            const neighbour = device + (next - at) * stride;
            // A ring of 2 has the one link of its lower device.
            const forward = upward && links[device] !== -1;
            path.push(forward ? links[device]! : links[neighbour]! + 1);
            device = neighbour;
            at = next;
          }
        });
        return path;
      },
    }),
  );
}
