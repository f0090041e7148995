/** An adapter on its way into a slot of a replica; void where the replica's host was lost since (its epoch is another). */
export interface ComingAdapter {
  readonly replica: number;
  readonly adapter: number;
  readonly epoch: number;
}
