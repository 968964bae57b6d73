/** @file A pause in long work, in which the event loop serves what waits: signals, timers, messages. */

/**
 * Resolves when the event loop has been round once: by `setImmediate` where there is one, else by a message
 * to itself, since pages make timers wait, those of hidden tabs for a second.
 */
export const nextTurn = (): Promise<void> =>
  typeof setImmediate === 'function' ? new Promise((resolve) => setImmediate(resolve)) : messageTurn()

/**
 * A pause for loops of much work: it waits for the next turn where so many milliseconds have passed since the
 * last one, and resolves with whether it did.
 */
export function pauseAfter(milliseconds: number): () => Promise<boolean> {
  let last = performance.now()
  return async () => {
    if (performance.now() - last < milliseconds) return false
    await nextTurn()
    last = performance.now()
    return true
  }
}

const messageTurn = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
