/** A relation between parts of a rack that does not hold; `path` names the field. */
export interface RackFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}
