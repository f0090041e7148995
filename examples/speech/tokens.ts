/** Ids that begin and end a text. Source: configuration of Moonshine. */
export const BEGIN = 1;
export const END = 2;

/** Bytes of each token: Moonshine's table has a length (one byte, or two from 128 on) before each. */
export function readTokens(table: Uint8Array): Uint8Array[] {
  const tokens: Uint8Array[] = [];
  for (let at = 0; at < table.length; ) {
    let length = table[at++]!;
    if (length >= 128) length += 128 * table[at++]! - 128;
    tokens.push(table.subarray(at, at + length));
    at += length;
  }
  return tokens;
}

/** Text of token ids; `▁` stands for a space. */
export function textOf(ids: readonly number[], tokens: readonly Uint8Array[]): string {
  const bytes = ids.flatMap((id) => [...tokens[id]!]);
  return new TextDecoder().decode(Uint8Array.from(bytes)).replaceAll("▁", " ");
}
