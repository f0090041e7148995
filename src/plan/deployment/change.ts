import { HeddleError } from "../../base/heddle-error.ts";

/** One thing that is otherwise: `pools.0.replicas` = `4`. Pools are named by their number or their name. */
export interface Change {
  readonly path: string;
  readonly value: string;
}

/** `path=value` as written on a command line. Errors: `usage`. */
export function parseChange(text: string): Change {
  const equals = text.indexOf("=");
  if (equals < 1)
    throw new HeddleError("usage", { where: "--change", detail: `${text}: a field and its value are meant, such as pools.0.replicas=4` });
  return { path: text.slice(0, equals), value: text.slice(equals + 1) };
}
