/** @file How a command that fails says so: a mistake that a person can mend in one sentence, a bug as one. */
import { errorText, isMendable } from '../util/errors.ts'
import { version } from '../util/version.ts'
import { inColumns } from './display/width.ts'
import type { Io, Output } from './io.ts'

/** One sentence, whatever a message repeats from files and arguments. */
export const oneLine = (message: string, stderr: Output): string =>
  `${inColumns(message.trim().replace(/\p{Cc}+/gu, ' '), stderr)}\n`

/** Writes it to standard error; with `ESPALIER_DEBUG` also where it came from. */
export function tellError(error: unknown, { stderr, env }: Pick<Io, 'stderr' | 'env'>): void {
  if (!isMendable(error)) {
    stderr.write(`${stackOf(error)}\n${BUG()}\n`)
    return
  }
  stderr.write(oneLine(`espalier: ${errorText(error)}`, stderr))
  if (env.ESPALIER_DEBUG) stderr.write(`${stackOf(error)}\n`)
}

const stackOf = (error: unknown): string => (error instanceof Error && error.stack) || String(error)

const BUG = (): string =>
  `espalier: this is a bug in espalier ${version()}, no mistake of yours: please report it with the lines above (npm bugs espalier says where)`
