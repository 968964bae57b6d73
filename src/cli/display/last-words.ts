/** @file What Ctrl-C says while a command computes, and JavaScript can serve no signal. */
import { setLastWords } from '../../engine/machines/native.ts'
import { currentIo } from '../io.ts'

/**
 * Does some work, during which Ctrl-C and SIGTERM end the process with this sentence. Where nothing can say
 * it then, `beforehand` is told.
 */
export function withLastWords<T>(sentence: string, work: () => T, beforehand: (sentence: string) => void): T {
  if (currentIo().process === undefined || !setLastWords(`\nespalier: interrupted: ${sentence}\n`)) {
    beforehand(`Ctrl-C ends this at once: ${sentence}`)
    return work()
  }
  try {
    return work()
  } finally {
    setLastWords('')
  }
}
