/** @file A pause in long work, in which the event loop serves what waits: signals, timers, messages. */

/**
 * Resolves when the event loop has been round once: by `setImmediate` where there is one, else by a message
 * to itself, since pages make timers wait, those of hidden tabs for a second.
 */
export const nextTurn = (): Promise<void> =>
  typeof setImmediate === 'function' ? new Promise((resolve) => setImmediate(resolve)) : messageTurn()

const messageTurn = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
