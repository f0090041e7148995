/**
 * The action of a command, loaded when the command runs.
 *
 * Why: what a command line looks like is known at once; what it does may need hundreds of modules, which help and errors of options never touch.
 */
export function lazyAction<Words extends readonly unknown[]>(
  load: () => Promise<(...words: Words) => void | Promise<void>>,
): (...words: Words) => Promise<void> {
  return async (...words) => (await load())(...words);
}
