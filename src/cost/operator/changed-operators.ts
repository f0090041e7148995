import { ok } from "../../base/result.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { weakerBasis } from "../priced.ts";
import type { OperatorModel } from "./operator-model.ts";
import { physicsModel } from "./physics/physics-model.ts";

/**
 * Measured operators of a device whose figures are changed: what was measured, times what the physics of its data sheet says that the change makes of it.
 *
 * The interval widens by the physics' own, as far as the change goes. Errors: `no-basis` where either has none.
 */
export function changedOperators(measured: OperatorModel, before: DeviceSheet, after: DeviceSheet): OperatorModel {
  const old = physicsModel(before);
  const changed = physicsModel(after);
  return {
    source: `${measured.source}, with figures of ${before.id} changed`,
    price: (query) => {
      const known = measured.price(query);
      if (!known.ok) return known;
      const [was, is] = [old.price(query), changed.price(query)];
      if (!was.ok) return was;
      if (!is.ok) return is;
      const ratio = is.value.ns / was.value.ns;
      const { ns, spread, basis } = known.value;
      // A factor of 2 either way takes all of the physics' interval.
      const change = Math.min(1, Math.max(ratio, 1 / ratio) - 1);
      return ok({
        ns: ns * ratio,
        spread: spread + change * is.value.spread,
        basis: change === 0 ? basis : weakerBasis(basis, "extrapolated"),
      });
    },
  };
}
