import type { OnnxModel } from "../onnx/builder.ts";

/** A collective of a gang program; what it means for buffers is the executor's contract (`execute/device/collective.ts`). */
export type GangCollective = { readonly op: "all-reduce"; readonly reduce: "sum" } | { readonly op: "all-gather" };

/**
 * What one member of a gang does, in an order fixed when the program is made: segments that it runs alone, and collectives that all members take
 * part in. The collectives of all members are the same, in the same order, so no member waits for one that another never comes to.
 *
 * Steps hand values on by name; a name is written once. What no step writes is given by the caller.
 */
export interface GangProgram {
  readonly rank: number;
  readonly size: number;
  readonly steps: readonly GangStep[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export type GangStep = GangSegment | GangExchange;

/** Inputs and outputs are those of the model, by their names in it. */
export interface GangSegment {
  readonly type: "segment";
  readonly name: string;
  readonly model: OnnxModel;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface GangExchange {
  readonly type: "collective";
  readonly name: string;
  readonly collective: GangCollective;
  readonly input: string;
  readonly output: string;
}

/** A rule that the programs of a gang break, in words; `undefined` where they keep all. */
export function gangFault(programs: readonly GangProgram[]): string | undefined {
  const first = programs[0];
  if (first === undefined) return "a gang has a member";
  const exchanges = ({ steps }: GangProgram): string =>
    steps.flatMap((step) => (step.type === "collective" ? [`${step.name} ${step.collective.op}`] : [])).join(", ");
  for (const [rank, program] of programs.entries()) {
    if (program.rank !== rank || program.size !== programs.length)
      return `member ${rank} is made for rank ${program.rank} of ${program.size}`;
    if (exchanges(program) !== exchanges(first)) return `members 0 and ${rank} differ in their collectives`;
    const fault = valueFault(program);
    if (fault !== undefined) return `member ${rank}: ${fault}`;
  }
  return undefined;
}

/** Every value is written before it is read, and once. */
function valueFault({ steps, inputs, outputs }: GangProgram): string | undefined {
  const known = new Set(inputs);
  for (const step of steps) {
    const reads = step.type === "segment" ? step.inputs : [step.input];
    const writes = step.type === "segment" ? step.outputs : [step.output];
    const missing = reads.find((name) => !known.has(name));
    if (missing !== undefined) return `${step.name} reads ${missing}, which nothing wrote`;
    for (const name of writes) {
      if (known.has(name)) return `${step.name} writes ${name} again`;
      known.add(name);
    }
  }
  const absent = outputs.find((name) => !known.has(name));
  return absent === undefined ? undefined : `nothing writes ${absent}`;
}
