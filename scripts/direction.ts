import { cruise, type ICruiseResult, type IForbiddenRuleType } from "dependency-cruiser";
import { LAYERS, PURE_LAYERS } from "./layers.ts";

/** One import that breaks a rule. */
export interface DirectionBreach {
  readonly rule: string;
  readonly from: string;
  readonly to: string;
}

export interface DirectionReport {
  readonly modules: number;
  readonly breaches: readonly DirectionBreach[];
}

/**
 * Checks the direction of every import below `root`/src, type-only ones included: layers, cycles, `node:` in pure layers, sibling drivers.
 *
 * Errors: throws when fewer than two modules were read, because a cruise of nothing passes everything.
 */
export async function checkDirection(root: string): Promise<DirectionReport> {
  const { output } = await cruise(["src"], {
    baseDir: root,
    validate: true,
    ruleSet: { forbidden: rules() },
    tsPreCompilationDeps: true,
    parser: "swc",
    doNotFollow: { path: "node_modules" },
    // The kernels are AssemblyScript, which its parser does not read; they import one another and the words they share with their threads.
    exclude: { path: ["\\.test\\.ts$", "^src/execute/kernels/wasm/"] },
  });
  const result = output as ICruiseResult;
  const modules = result.modules.filter((module) => module.source.startsWith("src/")).length;
  if (modules < 2) throw new TypeError(`the import check read ${modules} modules below ${root}/src`);
  const breaches = result.summary.violations.map((violation) => ({ rule: violation.rule.name, from: violation.from, to: violation.to }));
  return { modules, breaches };
}

function rules(): IForbiddenRuleType[] {
  const pure = `^src/(${PURE_LAYERS.join("|")})/`;
  const all = Object.keys(LAYERS);
  const layered = Object.entries(LAYERS).flatMap(([layer, below]): IForbiddenRuleType[] => {
    const above = all.filter((other) => other !== layer && !below.includes(other));
    if (above.length === 0) return [];
    return [{ name: `layer-${layer}`, severity: "error", from: { path: `^src/${layer}/` }, to: { path: `^src/(${above.join("|")})/` } }];
  });
  return [
    ...layered,
    { name: "no-cycle", severity: "error", from: { path: "^src/" }, to: { circular: true } },
    { name: "pure-without-node", severity: "error", from: { path: pure }, to: { dependencyTypes: ["core"] } },
    {
      name: "no-sibling-driver",
      severity: "error",
      from: { path: "^src/execute/drivers/([^/]+)/" },
      to: { path: "^src/execute/drivers/[^/]+/", pathNot: "^src/execute/drivers/(?:$1|shared)/" },
    },
  ];
}
