/** @file Ctrl-C and SIGTERM, and the end of the process that a run was started by. */
export interface Interruptible {
  /** Aborted by the first signal. */
  signal: AbortSignal
  /** Its name. */
  received: () => string | undefined
  /** Whether no signal can be served for a while: then one ends the process at once. */
  unstoppable(is: boolean): void
  /** Signals do again what they did before. To be called when the work is over. */
  release(): void
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/**
 * The first signal ends a command after what is in progress; a second one ends the process at once. `first`
 * is called with the first. Where the process was started with a channel to another one (as sweeps start
 * runs), the end of that one counts as a SIGTERM.
 */
export function interruptible(first: () => void): Interruptible {
  const controller = new AbortController()
  let name: string | undefined
  let listens = false
  const serve = (signal: NodeJS.Signals) => {
    if (name) process.exit(signal === 'SIGINT' ? 130 : 143)
    name = signal
    first()
    controller.abort()
  }
  const left = () => {
    if (!name) serve('SIGTERM')
  }
  const listen = (is: boolean) => {
    if (is !== listens) for (const signal of SIGNALS) process[is ? 'on' : 'off'](signal, serve)
    listens = is
  }
  listen(true)
  if (process.send !== undefined) {
    if (process.connected) process.on('disconnect', left)
    else left()
    process.channel?.unref() // It keeps no process alive.
  }
  return {
    signal: controller.signal,
    received: () => name,
    unstoppable(is) {
      listen(!is)
      // Progress bars hide the cursor, and nobody will be there to bring it back.
      if (is && process.stdout.isTTY) process.stdout.write('\x1b[?25h')
    },
    release() {
      listen(false)
      process.off('disconnect', left)
    },
  }
}
