import { assert } from "../../base/assert.ts";
import { type CutProblem, neighboursOf } from "./cut-problem.ts";

const NEW = 0;
const OPEN = 1;
const DONE = 2;

/**
 * An order in which nodes can run that keeps branches together: each node stands behind what it waits for, and the nodes of a branch follow one another.
 *
 * Model: depth first from the nodes nobody waits for, in their order. A stretch of any such order is convex, and stretches cannot wait for one another
 * in a ring.
 * Errors: an assertion where nodes wait for one another in a ring. Complexity: linear.
 */
export function depthOrder(problem: CutProblem): readonly number[] {
  const { before, after } = neighboursOf(problem);
  const mark = new Uint8Array(problem.nodes.length);
  const order: number[] = [];
  const stack: { readonly node: number; next: number }[] = [];
  for (let root = 0; root < before.length; root++) {
    if (after[root]!.length > 0) continue;
    push(root);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const waits = before[top.node]![top.next++];
      if (waits !== undefined) push(waits);
      else {
        stack.pop();
        mark[top.node] = DONE;
        order.push(top.node);
      }
    }
  }
  assert(order.length === problem.nodes.length, "no node waits for itself", { nodes: problem.nodes.length, ordered: order.length });
  return order;

  function push(node: number): void {
    if (mark[node] === DONE) return;
    assert(mark[node] === NEW, "no node waits for itself", { node });
    mark[node] = OPEN;
    stack.push({ node, next: 0 });
  }
}
