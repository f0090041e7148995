/** ATen operators whose result is a view of their first tensor. Source: PyTorch documentation, "Tensor Views". */
const VIEWS: ReadonlySet<string> = new Set(
  (
    "alias as_strided detach diagonal expand expand_as movedim narrow permute select squeeze transpose t numpy_T mT view view_as unbind " +
    "unflatten unfold unsqueeze slice split split_with_sizes chunk swapaxes swapdims broadcast_to lift_fresh"
  ).split(" "),
);

/** Operators that give their first tensor with some elements replaced: a write, where the tensor is a state. */
const UPDATES: ReadonlySet<string> = new Set(
  "index_put index_copy index_add index_fill scatter scatter_add scatter_reduce slice_scatter select_scatter copy masked_scatter fill".split(
    " ",
  ),
);

export function isView(type: string): boolean {
  return VIEWS.has(type);
}

export function isUpdate(type: string): boolean {
  return UPDATES.has(type);
}
