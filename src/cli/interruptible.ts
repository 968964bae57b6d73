/** @file Ctrl-C and SIGTERM. */
export interface Interruptible {
  /** Aborted by the first signal. */
  signal: AbortSignal
  /** Its name. */
  received: () => string | undefined
  /** Whether no signal can be served for a while: then one ends the process at once. */
  unstoppable(is: boolean): void
}

/** The first signal ends a command after what is in progress; a second one ends the process at once. `first` is called with the first. */
export function interruptible(first: () => void): Interruptible {
  const controller = new AbortController()
  let name: string | undefined
  const serve = (signal: NodeJS.Signals) => {
    if (name) process.exit(signal === 'SIGINT' ? 130 : 143)
    name = signal
    first()
    controller.abort()
  }
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.on(signal, serve)
  return {
    signal: controller.signal,
    received: () => name,
    unstoppable(is) {
      for (const signal of signals) {
        if (is) process.off(signal, serve)
        else process.on(signal, serve)
      }
      // Progress bars hide the cursor, and nobody will be there to bring it back.
      if (is && process.stdout.isTTY) process.stdout.write('\x1b[?25h')
    },
  }
}
