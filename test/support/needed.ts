/**
 * @file What some tests need of the machine. Where it is missing they are skipped, and it is said why; where
 * CI is set, it may not be missing: what is skipped there is never noticed.
 */

/** Whether it is there. Throws where CI is set and it is not. */
export function needed(what: string, isHere: boolean, remedy: string): boolean {
  if (isHere) return true
  if (process.env.CI) throw new Error(`CI is set, and ${what} is missing: ${remedy}`)
  console.warn(`${what} is missing, tests that need it are skipped: ${remedy}`)
  return false
}

/** The same for what tests may be without everywhere: they say so, and are skipped. */
export function wanted(what: string, isHere: boolean, remedy: string): boolean {
  if (!isHere) console.warn(`${what} is missing, tests that need it are skipped: ${remedy}`)
  return isHere
}
