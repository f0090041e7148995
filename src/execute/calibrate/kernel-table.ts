import { must } from "../../base/assert.ts";
import { layerProducts } from "../../cost/decoder-shape.ts";
import type { DeviceCalibration, KernelCalibration } from "../../rack/rack.ts";
import type { KernelStepQuestion, ShapeSource } from "./calibration-shapes.ts";

/** Timed steps of a stage. Units: ns. */
export interface TimedSteps {
  readonly layers: number;
  /** The first is of one row with nothing cached. */
  readonly steps: readonly { readonly point: KernelStepQuestion; readonly ns: number }[];
  /** Of no layers. */
  readonly stepNs: number;
}

/**
 * What steps in heddle's own kernels take beside their products (of 4 bits): where one row has nothing cached, the fixed cost of a layer; for the rest,
 * attention.
 */
export function kernelTable(
  shapes: ShapeSource,
  products: DeviceCalibration["products"],
  { layers, steps, stepNs }: TimedSteps,
): KernelCalibration {
  const besideProducts = ({ point, ns }: TimedSteps["steps"][number]): number =>
    layerProducts(shapes).reduce(
      (left, { n, k }) =>
        left - (products.find((row) => row.bits === 4 && row.m === point.sequences && row.n === n && row.k === k)?.ns ?? 0),
      (ns - stepNs) / layers,
    );
  const layerNs = Math.max(0, besideProducts(must(steps[0], "a step was timed")));
  // Never nothing: what noise takes away of one part comes back with another.
  const attention = steps.map((step) => ({ ...step.point, ns: Math.max(1, Math.round(besideProducts(step) - layerNs)) }));
  return { attention, stepNs: Math.round(stepNs), layerNs: Math.round(layerNs) };
}
