/** A product cut into tiles: how many along each side, of which size, how many run at once. */
export interface TileGrid {
  readonly tilesM: number;
  readonly tilesN: number;
  readonly rows: number;
  readonly columns: number;
  readonly atOnce: number;
}

/**
 * Bytes of both operands that come from memory when tiles run in waves over a rectangle of the result.
 *
 * Model: the tiles of a wave form a rectangle; a row of rectangles shares its rows of A, and B streams past it. An operand that fits in the kept part of
 * the cache is read once, one that does not once for each row (column) of rectangles; the cheaper order of the two counts. Units: bytes.
 */
export function operandTraffic(grid: TileGrid, aBytes: number, bBytes: number, keptBytes: number): number {
  if (aBytes + bBytes <= keptBytes) return aBytes + bBytes;
  const high = rectangleHeight(grid);
  const wide = Math.min(grid.tilesN, Math.max(1, Math.floor(grid.atOnce / high)));
  const rowGroups = Math.ceil(grid.tilesM / high);
  const columnGroups = Math.ceil(grid.tilesN / wide);
  const panelA = aBytes / rowGroups;
  const panelB = bBytes / columnGroups;
  // Along a row of rectangles: A's panel stays (if it fits), B passes by in each row.
  const alongRows = (panelA <= keptBytes ? aBytes : aBytes * columnGroups) + (bBytes <= keptBytes ? bBytes : bBytes * rowGroups);
  const alongColumns = (panelB <= keptBytes ? bBytes : bBytes * rowGroups) + (aBytes <= keptBytes ? aBytes : aBytes * columnGroups);
  return alongRows < alongColumns ? alongRows : alongColumns;
}

/** Height, in tiles, of the rectangle of a wave that needs the least operand data. */
function rectangleHeight(grid: TileGrid): number {
  const ideal = Math.sqrt((grid.atOnce * grid.columns) / grid.rows);
  const least = Math.ceil(grid.atOnce / grid.tilesN);
  return Math.max(1, Math.min(grid.tilesM, Math.max(least, Math.round(ideal))));
}
