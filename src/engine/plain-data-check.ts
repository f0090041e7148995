/** Deepest nesting accepted; engine states and events stay below 20. */
const DEPTH_MAX = 64;

/**
 * Whether bytes are one well-formed MessagePack value whose lists and records are no longer than the bytes left could hold.
 *
 * Why: a decoder allocates what a length claims before it reads the elements; nested claims would exhaust memory.
 *
 * Complexity: one step an item, without allocation but for the levels that are open.
 */
export function isSoundMessagePack(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Elements still to come at each open level, outermost first. */
  const open = [1];
  let owed = 1;
  let at = 0;
  while (owed > 0) {
    if (owed > bytes.length - at || open.length > DEPTH_MAX) return false;
    const head = view.getUint8(at);
    let length = OWN_BYTES[head]!;
    if (length === 0) return false;
    let elements = OWN_ELEMENTS[head]!;
    const width = COUNT_WIDTH[head]!;
    if (width > 0) {
      if (at + 1 + width > bytes.length) return false;
      const count = width === 1 ? view.getUint8(at + 1) : width === 2 ? view.getUint16(at + 1) : view.getUint32(at + 1);
      length += count * BYTES_EACH[head]!;
      elements = count * ELEMENTS_EACH[head]!;
    }
    if (length > bytes.length - at) return false;
    at += length;
    open[open.length - 1]! -= 1;
    owed += elements - 1;
    if (elements > 0) open.push(elements);
    while (open.length > 1 && open.at(-1) === 0) open.pop();
  }
  return at === bytes.length;
}

/** By the first byte of an item: its head and own bytes, 0 where no item begins so; and the elements that follow as items of their own. */
const OWN_BYTES = new Uint8Array(256);
const OWN_ELEMENTS = new Uint8Array(256);
/** Forms with a count after the first byte: its width in bytes, and what one unit of it adds in bytes and in elements. */
const COUNT_WIDTH = new Uint8Array(256);
const BYTES_EACH = new Uint8Array(256);
const ELEMENTS_EACH = new Uint8Array(256);

OWN_BYTES.fill(1, 0x00, 0xc0);
OWN_BYTES.fill(1, 0xe0);
for (let count = 0; count < 16; count++) {
  OWN_ELEMENTS[0x80 + count] = 2 * count; // fixmap
  OWN_ELEMENTS[0x90 + count] = count; // fixarray
}
for (let count = 0; count < 32; count++) OWN_BYTES[0xa0 + count] = 1 + count; // fixstr
OWN_BYTES.set([1], 0xc0); // nil
OWN_BYTES.set([1, 1], 0xc2); // false, true
OWN_BYTES.set([5, 9], 0xca); // float 32 and 64
OWN_BYTES.set([2, 3, 5, 9, 2, 3, 5, 9], 0xcc); // uint and int, 8 to 64
OWN_BYTES.set([3, 4, 6, 10, 18], 0xd4); // fixext 1 to 16: type byte and data
counted(0xc4, [1, 2, 4], { bytes: 1, elements: 0, besides: 0 }); // bin
counted(0xc7, [1, 2, 4], { bytes: 1, elements: 0, besides: 1 }); // ext
counted(0xd9, [1, 2, 4], { bytes: 1, elements: 0, besides: 0 }); // str
counted(0xdc, [2, 4], { bytes: 0, elements: 1, besides: 0 }); // array
counted(0xde, [2, 4], { bytes: 0, elements: 2, besides: 0 }); // map

/** Forms from `head` on whose counts are so wide; `besides`: own bytes beside head and count. */
function counted(
  head: number,
  widths: readonly number[],
  each: { readonly bytes: number; readonly elements: number; readonly besides: number },
): void {
  widths.forEach((width, i) => {
    OWN_BYTES[head + i] = 1 + width + each.besides;
    COUNT_WIDTH[head + i] = width;
    BYTES_EACH[head + i] = each.bytes;
    ELEMENTS_EACH[head + i] = each.elements;
  });
}
