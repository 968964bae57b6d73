/** @file What may fail in one known way, and is then not there. */

/** What `attempt` returns; undefined where it throws an error of the kind. */
export function unless<T>(kind: abstract new (...args: never) => Error, attempt: () => T): T | undefined {
  try {
    return attempt()
  } catch (error) {
    if (error instanceof kind) return undefined
    throw error
  }
}
