import type { State } from "../ir/graph.ts";

/** What a buffer or input that a run changes is, by the names models give it; keys and values of attention have tokens, heads and a width. */
export function stateKind({ name, type, shape }: Pick<State, "name" | "type" | "shape">): State["kind"] {
  const last = name.toLowerCase();
  if (/^[iu]\d|bool|string/.test(type) && type !== "i8" && type !== "u8") return "other";
  if (/conv/.test(last)) return "convolution";
  if (/ssm|recurrent|hidden|(^|[._])(state|cell|h|c)(_?\d+|_in)?$/.test(last)) return "recurrent";
  if (/past|kv|(^|[._])(k|v|keys?|values?)_?(cache|states?)|cache_?(k|v|keys?|values?)|(key|value)_cache/.test(last) && shape.length >= 3)
    return "kv";
  return "other";
}
