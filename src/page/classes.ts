import { classifyWork, type WorkClass } from "../inspect/classify/classify-work.ts";
import type { StageReading } from "../inspect/classify/rack-reading.ts";
import type { PageData, PagePlacement } from "../inspect/page/page-data.ts";
import { shadesOf } from "./palette.ts";
import type { View } from "./view.ts";

/** Class numbers of a view, as places in `shadesOf`. */
export interface PaintedClasses {
  /** By group of the inspection. */
  readonly groups: readonly number[];
  /** By operator of the graph. */
  readonly operators: Uint8Array;
  /** By box of the view's drawing, where boxes of one group differ. */
  readonly boxes?: readonly number[];
}

/** What is said of a stage group on the device and in the phase of a view; undefined without a rack. */
export function stageReading({ rack }: PageData, { device, phase }: View, group: number): StageReading | undefined {
  return rack?.devices[device]?.phases[phase]?.stages[group];
}

/** Class and estimate of a single operator, as if it were a stage; undefined without a rack or a rule. */
export function operatorClass({ rack, works, operators }: PageData, { device, phase }: View, operator: number): WorkClass | undefined {
  const work = works[operators[operator]![2]];
  const found = rack?.devices[device];
  if (work === undefined || found === undefined) return undefined;
  const { flops, bytes } = work.figures[phase]!;
  return classifyWork({ flops, bytes, launches: work.launches[phase]!, crossingBytes: undefined, unknownOperators: 0 }, found);
}

/** An operator takes the colour of its own work; of cuts, that of its stage: stages are what is cut. */
export function classesOf(data: PageData, view: View): PaintedClasses {
  if (view.colour === "device" && data.placement !== undefined) return placedClasses(data, view, data.placement);
  const { operators, works, rack, groups, drawings } = data;
  const keys = shadesOf(view.colour, rack !== undefined).map(({ key }) => key);
  const numberOf = (key: string): number => Math.max(0, keys.indexOf(key));
  if (rack === undefined) return { groups: groups.map(() => 0), operators: new Uint8Array(operators.length) };
  const byGroup = groups.map((_group, index) => {
    const reading = stageReading(data, view, index);
    return numberOf((view.colour === "bound" ? reading?.bound : reading?.communication.label) ?? "unknown");
  });
  const painted = new Uint8Array(operators.length);
  if (view.colour === "cut") {
    const { boxes, box, operators: drawn } = drawings.model;
    for (const [place, operator] of drawn.entries()) painted[operator] = byGroup[boxes[box[place]!]!.group]!;
    return { groups: byGroup, operators: painted };
  }
  const first = new Map<number, number>();
  for (const [index, [, , work]] of operators.entries()) if (!first.has(work)) first.set(work, index);
  const byWork = works.map((_work, index) => numberOf(operatorClass(data, view, first.get(index)!)?.bound ?? "unknown"));
  for (const [index, [, , work]] of operators.entries()) painted[index] = byWork[work] ?? numberOf("unknown");
  return { groups: byGroup, operators: painted };
}

/** An operator takes the colour of its device, a box that of all its operators where they have one. */
function placedClasses({ groups, drawings }: PageData, { drawing }: View, { devices, operators }: PagePlacement): PaintedClasses {
  const { boxes, box, operators: drawn } = drawings[drawing];
  const several = devices.length;
  const ofBox = boxes.map(() => -1);
  for (const [place, operator] of drawn.entries()) {
    const device = operators[operator]!;
    const known = ofBox[box[place]!]!;
    ofBox[box[place]!] = known === -1 || known === device ? device : several;
  }
  return {
    groups: groups.map(() => several),
    operators: Uint8Array.from(operators),
    boxes: ofBox.map((device) => (device < 0 ? several : device)),
  };
}
