import type { Graph, Operator, OperatorId } from "../../../graph/ir/graph.ts";
import { readBy } from "../../../graph/ir/read-by.ts";
import { workOf } from "../../../inspect/operator-work.ts";
import type { Emulation, OperatorFilter } from "../../../rack/emulation.ts";
import type { OpenDevice, Support } from "../../device/device-driver.ts";
import { paddingFault } from "./padding/padding-fault.ts";
import { surveyOnce } from "./stage-time.ts";

/** Whether the described device takes an operator, and why not. */
export function acceptedBy(emulation: Emulation, inner: OpenDevice): (graph: Graph, id: OperatorId) => Support {
  return (graph, id) => {
    const operator = graph.operators[id]!;
    const reason = denied(emulation, graph, operator) ?? unfit(emulation, graph, id);
    return reason === undefined ? inner.supports(graph, id) : { ok: false, reason };
  };
}

function denied({ operators }: Emulation, graph: Graph, operator: Operator): string | undefined {
  if (operators === undefined) return undefined;
  if ("allow" in operators) {
    const allowed = operators.allow.some((filter) => matches(filter, graph, operator));
    return allowed ? undefined : "it is not among the operators the device takes";
  }
  return operators.deny.find((filter) => matches(filter, graph, operator))?.reason;
}

function unfit({ shapes }: Emulation, graph: Graph, id: OperatorId): string | undefined {
  const operator = graph.operators[id]!;
  if (workOf(graph, operator, surveyOnce(graph)) === undefined) return "what it does is not known, so its time cannot be emulated";
  if (shapes.type !== "bucketed") return undefined;
  const fault = paddingFault(graph, id);
  return fault && `sizes are padded to buckets, and ${fault}`;
}

function matches({ domain, type, element }: OperatorFilter, graph: Graph, operator: Operator): boolean {
  if (domain !== undefined && domain !== operator.domain) return false;
  if (type !== undefined && type !== operator.type) return false;
  const touched = [...readBy(operator), ...operator.outputs.filter((id) => id !== undefined)];
  return element === undefined || touched.some((tensor) => graph.tensors[tensor]!.type === element);
}
