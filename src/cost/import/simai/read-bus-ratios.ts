import { measurementsInvalid } from "../measurement-error.ts";

/** Part of the nominal bus rate that a collective reached over nodes of 8 devices. */
export interface BusRatio {
  readonly bytes: number;
  readonly nodes: number;
  readonly ratio: number;
}

const LINE_MAX = 4096;

/**
 * SimAI's tables of bus-rate ratios: a row a size, a column a number of nodes (`4Node-32GPU(NIC)`); columns of several groups at once (`Multi 16`) and
 * empty cells are left out.
 *
 * Errors: `measurements-invalid`. Source: aliyun/SimAI@cef83f9 astra-sim-alibabacloud/inputs/ratio.
 */
export function readBusRatios(text: string, file: string): BusRatio[] {
  const lines = text.split(/\r?\n/).map((line) => line.slice(0, LINE_MAX).split(","));
  const nodes = (lines[0] ?? []).map((name) => Number(/^\s*(\d+)\s*Node/.exec(name)?.[1] ?? Number.NaN));
  if (nodes.every(Number.isNaN)) throw measurementsInvalid({ file, line: 1 }, "names no column such as `4Node-32GPU(NIC)`");
  const ratios: BusRatio[] = [];
  lines.slice(1).forEach((fields, row) => {
    if (fields.length === 1 && fields[0]!.trim() === "") return;
    const bytes = Number(fields[0]);
    if (!(Number.isSafeInteger(bytes) && bytes > 0))
      throw measurementsInvalid({ file, line: row + 2, column: "Size" }, `"${fields[0]}" is no size`);
    fields.forEach((field, i) => {
      if (Number.isNaN(nodes[i] ?? Number.NaN) || field.trim() === "") return;
      const ratio = Number(field);
      if (!(ratio > 0 && ratio <= 1))
        throw measurementsInvalid({ file, line: row + 2, column: `${nodes[i]} nodes` }, `"${field}" is no ratio`);
      ratios.push({ bytes, nodes: nodes[i]!, ratio });
    });
  });
  if (ratios.length === 0) throw measurementsInvalid({ file }, "holds no ratio");
  return ratios;
}
