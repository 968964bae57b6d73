/** @file How finely the clock goes: browsers round it, so that pages cannot measure each other. */

/** How often its step is looked at. */
const LOOKS = 5

let known: number | undefined

/** Milliseconds by which `performance.now()` advances at the least: up to 0.1 in a page, far less in Node. */
export const clockStep = (): number => (known ??= leastStep())

function leastStep(): number {
  let least = Number.POSITIVE_INFINITY
  for (let look = 0; look < LOOKS; look++) {
    const from = performance.now()
    let now = from
    while (now === from) now = performance.now()
    least = Math.min(least, now - from)
  }
  return least
}

/** Calls in a row, a power of two, that take some steps of the clock together, to be timed by their mean. */
export function callsFor(run: () => void, steps = 20): number {
  for (let calls = 1; ; calls *= 2) {
    const start = performance.now()
    for (let call = 0; call < calls; call++) run()
    if (performance.now() - start >= steps * clockStep()) return calls
  }
}
