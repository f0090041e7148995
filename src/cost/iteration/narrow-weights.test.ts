/**
 * Goal: weights that a device cannot multiply as they are stored are priced as stored narrow, and never below what their bytes take.
 * Method: the plain roofline on a device without 4-bit arithmetic, by hand.
 */
import { expect, it } from "vitest";
import { BYTES_PER_NS, FLOPS_PER_NS, PLAIN_ROOFLINE } from "../../../test/support/plain-roofline.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import type { OperatorModel } from "../operator/operator-model.ts";
import type { OperatorQuery, ProductQuery } from "../operator/operator-query.ts";
import { narrowWeights, type UnpackingKernels } from "./narrow-weights.ts";

const SHEET = deviceSheet("h100-sxm");
/** An H100 whose memory is as slow as the plain roofline's. */
const H100: DeviceSheet = {
  ...SHEET,
  memory: { ...SHEET.memory, bandwidthBytesPerSecond: { ...SHEET.memory.bandwidthBytesPerSecond, value: BYTES_PER_NS * 1e9 } },
};
const PRODUCT: ProductQuery = { op: "product", m: 1, n: 4096, k: 4096, type: "f4e2m1" };

function price(kernels: UnpackingKernels, query: OperatorQuery = PRODUCT, sheet = H100): number {
  const priced = narrowWeights(PLAIN_ROOFLINE, sheet, { kernels }).price(query);
  return priced.ok ? priced.value.ns : Number.NaN;
}

it("own kernels read a few rows' weights at their narrow bytes", () => {
  expect(price("own")).toBeCloseTo((4096 * 4096 * 0.5625) / BYTES_PER_NS, 6);
});
it("and multiply many rows as the wider type does, less what reading saves", () => {
  const flops = (2 * 4096 * 4096 * 4096) / FLOPS_PER_NS;
  const saved = (4096 * 4096 * (2 - 0.5625) * 1e9) / H100.memory.bandwidthBytesPerSecond.value;
  expect(price("own", { ...PRODUCT, m: 4096 })).toBeCloseTo(flops - saved, 3);
});
it("measured kernels are asked for by the type they unpack", () => {
  const asked: OperatorQuery[] = [];
  const listening: OperatorModel = {
    source: "",
    price: (query) => {
      asked.push(query);
      return PLAIN_ROOFLINE.price(query);
    },
  };
  narrowWeights(listening, H100, { kernels: "measured" }).price(PRODUCT);
  expect(asked).toEqual([{ ...PRODUCT, type: "bf16", weightType: "f4e2m1" }]);
});
it("what the device multiplies is passed on, as is what has no weights", () => {
  expect(price("own", PRODUCT, deviceSheet("b200-sxm"))).toBe(price("measured", PRODUCT, deviceSheet("b200-sxm")));
  expect(price("own", { op: "stream", bytes: 100 })).toBe(10);
});
it("a device without a wider type has no basis", () => {
  const found = narrowWeights(PLAIN_ROOFLINE, { ...H100, peaks: {} }, { kernels: "own" }).price(PRODUCT);
  expect(found).toMatchObject({ ok: false, error: { code: "no-basis" } });
});
