/** Inputs (images, clips) whose encoders run in a run, over the whole batch; 0 in a decode step. Joins the symbols of the graph IR. */
export const ENCODED = "encoded";
