import type { z } from "zod";
import { deploymentSchema } from "../../src/plan/deployment/deployment-schema.ts";

interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
}

/** Every field of a deployment file that has a value of its own, as `pools.engine.kvBlocks`. */
export function deploymentFields(): string[] {
  return leaves(deploymentSchema, "");
}

function leaves(schema: z.ZodType, path: string): string[] {
  const { type, innerType, element, shape } = schema.def as unknown as Definition;
  if (innerType !== undefined) return leaves(innerType, path);
  if (type === "array") return leaves(element!, path);
  if (shape === undefined) return [path];
  return Object.entries(shape).flatMap(([name, field]) => leaves(field, path === "" ? name : `${path}.${name}`));
}
