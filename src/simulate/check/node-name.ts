import type { HostLife } from "../run/watcher.ts";

/** `fleet`, or `replica.incarnation`. */
export function nodeName(node: HostLife | "fleet"): string {
  return node === "fleet" ? node : `${node.replica}.${node.incarnation}`;
}
