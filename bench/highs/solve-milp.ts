/** HiGHS (WebAssembly) on one programme, in this thread. */
import { createRequire } from "node:module";

export interface MilpOptions {
  readonly seconds: number;
  /** The solve ends when the incumbent is proven to be within this share of the optimum. */
  readonly gap: number;
}

/** What is known of a programme: the best solution met, the value none is below, and whether that is all. */
export interface MilpAnswer {
  /** `optimal`: within the gap asked for. `infeasible`: there is no solution. `open`: stopped before. */
  readonly status: "optimal" | "infeasible" | "open";
  /** Objective of the incumbent; Infinity where there is none. */
  readonly value: number;
  readonly bound: number;
  /** Columns of the incumbent that are not 0. */
  readonly columns: Readonly<Record<string, number>>;
}

/** Its types describe the CommonJS entry. */
const loadHighs = createRequire(import.meta.url)("highs") as typeof import("highs").default;

export const NOTHING_KNOWN: MilpAnswer = { status: "open", value: Infinity, bound: Number.NEGATIVE_INFINITY, columns: {} };

/** Solves LP text; every better solution is reported when it is met, every better bound now and then. */
export async function solveMilp(text: string, options: MilpOptions, report: (answer: MilpAnswer) => void = () => {}): Promise<MilpAnswer> {
  const highs = await loadHighs();
  const { callbackType, modelStatus } = highs.constants;
  return highs.withModel({ format: "lp", data: text }, (model): MilpAnswer => {
    model.options.set({
      output_flag: false,
      time_limit: options.seconds,
      mip_rel_gap: options.gap,
      mip_abs_gap: 0,
      mip_feasibility_tolerance: TOLERANCE,
      primal_feasibility_tolerance: TOLERANCE,
    });
    const names = Array.from({ length: model.getDimensions().numCols }, (_zero, i) => model.getColName(i));
    let best = NOTHING_KNOWN;
    const better = (change: Partial<MilpAnswer>): undefined => {
      best = { ...best, ...change };
      report(best);
    };
    const { modelStatus: ended } = model.run({
      [callbackType.mipImprovingSolution]: ({ data }) =>
        better({ value: data.objective_function_value ?? Infinity, columns: namedOf(names, data.mip_solution ?? new Float64Array(0)) }),
      [callbackType.mipLogging]: ({ data }) =>
        (data.mip_dual_bound ?? best.bound) > best.bound ? better({ bound: data.mip_dual_bound! }) : undefined,
    });
    if (ended === modelStatus.infeasible) return { ...NOTHING_KNOWN, status: "infeasible", bound: Infinity };
    const value = Number(model.info.get("objective_function_value"));
    const bound = Math.max(best.bound, Number(model.info.get("mip_dual_bound")));
    if (best.value === Infinity && ended !== modelStatus.optimal) return { ...best, bound };
    return {
      status: ended === modelStatus.optimal ? "optimal" : "open",
      value,
      bound,
      columns: namedOf(names, model.getSolution().colValue),
    };
  });
}

/** Of rows and of whole numbers; the programme's rows are shares. */
const TOLERANCE = 1e-9;

function namedOf(names: readonly string[], values: Float64Array): Record<string, number> {
  const columns: Record<string, number> = {};
  values.forEach((value, i) => {
    if (value !== 0) columns[names[i]!] = value;
  });
  return columns;
}
