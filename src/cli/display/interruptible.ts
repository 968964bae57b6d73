/** @file Ctrl-C and SIGTERM, and the end of the process that a run was started by. */
import { currentIo } from '../io.ts'
import { lastWords } from './last-words.ts'

export interface Interruptible {
  /** Aborted by the first signal. */
  signal: AbortSignal
  /** Its name. */
  received: () => string | undefined
  /**
   * Whether no signal can be served for a while: then one ends the process at once, with a sentence where the
   * native engine is there to say it.
   */
  unstoppable(is: boolean, sentence: string): void
  /** Signals do again what they did before. To be called when the work is over. */
  release(): void
}

/** What a command exits with that a signal has ended. */
export const interruptedStatus = (signal: string | undefined): number => (signal === 'SIGTERM' ? 143 : 130)

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/**
 * The first signal ends a command after what is in progress; a second one ends the process at once. `first`
 * is called with the first. Where the process was started with a channel to another one (as sweeps start
 * runs), the end of that one counts as a SIGTERM.
 */
export function interruptible(first: () => void): Interruptible {
  const { stdout, signal: asked, process: own } = currentIo()
  const controller = new AbortController()
  let name: string | undefined
  let listens = false
  const serve = (signal: NodeJS.Signals) => {
    if (name) own?.exit(interruptedStatus(signal))
    name = signal
    first()
    controller.abort()
  }
  const left = () => {
    if (!name) serve('SIGTERM')
  }
  const abort = () => serve('SIGINT')
  const listen = (is: boolean) => {
    if (is !== listens) for (const signal of SIGNALS) own?.[is ? 'on' : 'off'](signal, serve)
    listens = is
  }
  listen(true)
  if (asked?.aborted) abort()
  else asked?.addEventListener('abort', abort)
  if (own?.send !== undefined) {
    if (own.connected) own.on('disconnect', left)
    else left()
    own.channel?.unref() // It keeps no process alive.
  }
  return {
    signal: controller.signal,
    received: () => name,
    unstoppable(is, sentence) {
      if (!is) lastWords()
      listen(!is)
      if (is) lastWords(sentence)
      // Progress bars hide the cursor, and nobody will be there to bring it back.
      if (is && stdout.isTTY) stdout.write('\x1b[?25h')
    },
    release() {
      listen(false)
      own?.off('disconnect', left)
      asked?.removeEventListener('abort', abort)
    },
  }
}
