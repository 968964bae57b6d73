/**
 * @file Collecting garbage at once. Memory that JavaScript holds only by a handle, such as an arena of some
 * hundred megabytes, is given back when the handle is collected, and the collector, which sees small objects,
 * may let many of them gather before.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collect: (() => void) | undefined

/** Some ten milliseconds where there are few objects. */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
    setFlagsFromString('--no-expose-gc')
  }
  collect()
}
