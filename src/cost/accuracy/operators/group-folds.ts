/** FNV-1a of a text, mixed so that low bits depend on every character. Units: 32 bits. */
export function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The fold of a group: fixed by its name alone, before anything is fitted. */
export function foldOf(family: string, group: string, folds: number): number {
  return textHash(`${family} ${group}`) % folds;
}
