import { HeddleError } from "../../../base/heddle-error.ts";

/** Rows of equal length, as bytes. */
export interface Rows {
  readonly bytes: Uint8Array;
  readonly rowBytes: number;
}

/** Rows of `source` by index, one after the other; neighbours go in one piece. Errors: `input-invalid` for an index that is not there. */
export function packRows(source: Rows, index: Int32Array): Uint8Array {
  const { rowBytes } = source;
  const packed = new Uint8Array(index.length * rowBytes);
  eachRun(index, countOf(source), (first, place, length) => {
    packed.set(source.bytes.subarray(first * rowBytes, (first + length) * rowBytes), place * rowBytes);
  });
  return packed;
}

/** A copy of `target` with `rows` at the places of `index`; of several for one place the last counts. Errors: as above. */
export function unpackRows(target: Rows, rows: Uint8Array, index: Int32Array): Uint8Array {
  const { rowBytes } = target;
  const whole = target.bytes.slice();
  eachRun(index, countOf(target), (first, place, length) => {
    whole.set(rows.subarray(place * rowBytes, (place + length) * rowBytes), first * rowBytes);
  });
  return whole;
}

function countOf({ bytes, rowBytes }: Rows): number {
  return rowBytes === 0 ? Number.MAX_SAFE_INTEGER : bytes.byteLength / rowBytes;
}

/** Runs of consecutive indices: the first of them, its place in the list, how many. */
function eachRun(index: Int32Array, count: number, action: (first: number, place: number, length: number) => void): void {
  for (let place = 0; place < index.length; ) {
    const first = index[place]!;
    let length = 1;
    while (place + length < index.length && index[place + length] === first + length) length++;
    if (first < 0 || first + length > count) {
      throw new HeddleError("input-invalid", { where: `index ${place}`, detail: `rows [${first}, ${first + length}) of ${count}` });
    }
    action(first, place, length);
    place += length;
  }
}
