/** @file Node's own modules where there is Node, for what does without them in a page. */

/** The module of that name, such as `node:fs`; undefined in a page. */
export const nodeModule = <T>(name: string): T | undefined =>
  globalThis.process?.getBuiltinModule?.(name) as T | undefined
