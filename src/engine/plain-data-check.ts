/** Deepest nesting accepted; engine states and events stay below 20. */
const DEPTH_MAX = 64;

/**
 * Whether bytes are one well-formed MessagePack value whose lists and records are no longer than the bytes left could hold.
 *
 * Why: a decoder allocates what a length claims before it reads the elements; nested claims would exhaust memory.
 */
export function isSoundMessagePack(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Elements still to come at each open level, outermost first. */
  const open = [1];
  let owed = 1;
  let at = 0;
  while (owed > 0) {
    if (owed > bytes.length - at || open.length > DEPTH_MAX) return false;
    const item = itemAt(view, at);
    if (item === undefined || item.bytes > bytes.length - at) return false;
    at += item.bytes;
    open[open.length - 1]! -= 1;
    owed += item.elements - 1;
    if (item.elements > 0) open.push(item.elements);
    while (open.length > 1 && open.at(-1) === 0) open.pop();
  }
  return at === bytes.length;
}

/** Head and own bytes of an item, and the elements that follow as items of their own. */
interface Item {
  readonly bytes: number;
  readonly elements: number;
}

const FIXED_BYTES: Readonly<Record<number, number>> = {
  192: 1, // nil
  194: 1, // false
  195: 1, // true
  202: 5, // float 32
  203: 9, // float 64
  204: 2, // uint 8 to 64
  205: 3,
  206: 5,
  207: 9,
  208: 2, // int 8 to 64
  209: 3,
  210: 5,
  211: 9,
  212: 3, // fixext 1 to 16: type byte and data
  213: 4,
  214: 6,
  215: 10,
  216: 18,
};

/** Forms with a length of 1, 2 or 4 bytes: what one unit of it adds in bytes and in elements, and bytes besides. */
const COUNTED: Readonly<
  Record<number, { readonly width: number; readonly bytes: number; readonly elements: number; readonly besides: number }>
> = {
  196: { width: 1, bytes: 1, elements: 0, besides: 0 }, // bin
  197: { width: 2, bytes: 1, elements: 0, besides: 0 },
  198: { width: 4, bytes: 1, elements: 0, besides: 0 },
  199: { width: 1, bytes: 1, elements: 0, besides: 1 }, // ext
  200: { width: 2, bytes: 1, elements: 0, besides: 1 },
  201: { width: 4, bytes: 1, elements: 0, besides: 1 },
  217: { width: 1, bytes: 1, elements: 0, besides: 0 }, // str
  218: { width: 2, bytes: 1, elements: 0, besides: 0 },
  219: { width: 4, bytes: 1, elements: 0, besides: 0 },
  220: { width: 2, bytes: 0, elements: 1, besides: 0 }, // array
  221: { width: 4, bytes: 0, elements: 1, besides: 0 },
  222: { width: 2, bytes: 0, elements: 2, besides: 0 }, // map
  223: { width: 4, bytes: 0, elements: 2, besides: 0 },
};

function itemAt(view: DataView, at: number): Item | undefined {
  const head = view.getUint8(at);
  if (head < 0x80 || head >= 0xe0) return { bytes: 1, elements: 0 };
  if (head < 0x90) return { bytes: 1, elements: (head & 0x0f) * 2 };
  if (head < 0xa0) return { bytes: 1, elements: head & 0x0f };
  if (head < 0xc0) return { bytes: 1 + (head & 0x1f), elements: 0 };
  const fixed = FIXED_BYTES[head];
  if (fixed !== undefined) return { bytes: fixed, elements: 0 };
  const counted = COUNTED[head];
  if (counted === undefined || at + 1 + counted.width > view.byteLength) return undefined;
  const count = counted.width === 1 ? view.getUint8(at + 1) : counted.width === 2 ? view.getUint16(at + 1) : view.getUint32(at + 1);
  return { bytes: 1 + counted.width + counted.besides + count * counted.bytes, elements: count * counted.elements };
}
