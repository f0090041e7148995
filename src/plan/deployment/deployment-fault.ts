/** A relation between fields of a deployment that does not hold. */
export interface DeploymentFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}
