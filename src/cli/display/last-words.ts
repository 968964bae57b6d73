/** @file What Ctrl-C says while a command computes, and JavaScript can serve no signal. */
import { setLastWords } from '../../engine/machines/native.ts'
import { currentIo } from '../io.ts'

/**
 * Ctrl-C and SIGTERM end the process with this sentence from now on, or, without one, do again what they did
 * before. Returns whether something is there to say it.
 */
export const lastWords = (sentence?: string): boolean =>
  currentIo().process !== undefined &&
  setLastWords(sentence === undefined ? '' : `\nespalier: interrupted: ${sentence}\n`)

/** The same for work that takes its time. */
export async function withLastWordsUntil<T>(
  sentence: string,
  work: () => Promise<T>,
  beforehand: (sentence: string) => void,
): Promise<T> {
  const said = lastWords(sentence)
  if (!said) beforehand(`Ctrl-C ends this at once: ${sentence}`)
  try {
    return await work()
  } finally {
    if (said) lastWords()
  }
}

/** Does some work under last words. Where nothing can say them then, `beforehand` is told. */
export function withLastWords<T>(sentence: string, work: () => T, beforehand: (sentence: string) => void): T {
  if (!lastWords(sentence)) {
    beforehand(`Ctrl-C ends this at once: ${sentence}`)
    return work()
  }
  try {
    return work()
  } finally {
    lastWords()
  }
}
