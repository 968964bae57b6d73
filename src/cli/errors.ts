/** @file How a command that fails says so: a mistake that a person can mend in one sentence, a bug as one. */
import { errorText, isMendable } from '../util/errors.ts'
import { version } from '../util/version.ts'
import type { Io } from './io.ts'

/** One line, whatever a message repeats from files and arguments. */
export const oneLine = (message: string): string => `${message.trim().replace(/\p{Cc}+/gu, ' ')}\n`

/** Writes it to standard error; with `ESPALIER_DEBUG` also where it came from. */
export function tellError(error: unknown, { stderr, env }: Pick<Io, 'stderr' | 'env'>): void {
  if (!isMendable(error)) {
    stderr.write(`${stackOf(error)}\n${BUG()}\n`)
    return
  }
  stderr.write(oneLine(`espalier: ${errorText(error)}`))
  if (env.ESPALIER_DEBUG) stderr.write(`${stackOf(error)}\n`)
}

const stackOf = (error: unknown): string => (error instanceof Error && error.stack) || String(error)

const BUG = (): string =>
  `espalier: this is a bug in espalier ${version()}, no mistake of yours: please report it with the lines above (npm bugs espalier says where)`
