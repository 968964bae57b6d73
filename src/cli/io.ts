/**
 * @file What a command has of the world around it: where its output goes, its environment, what interrupts
 * it. The command line of a process gives it that process's own; tests give it streams that they can read.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Writable } from 'node:stream'
import { fileProblem, UserError } from '../util/errors.ts'

/** Where text goes; a terminal says that it is one, and how many columns it has. */
export type Output = Writable & { isTTY?: boolean; columns?: number }

export interface Io {
  stdout: Output
  stderr: Output
  /** `ESPALIER_DEBUG` is read here; engines, data sets and child processes see that of the process. */
  env: Readonly<Record<string, string | undefined>>
  /** Aborting it is Ctrl-C. */
  signal?: AbortSignal
  /** The process that is the command's own: its signals interrupt it. Absent where it serves others too. */
  process?: NodeJS.Process
}

/**
 * That of this process. A reader that went away, such as `head`, is no error: work goes on without it, so
 * that exit status 0 says that all was done. Work goes on, too, where output finds no room; `onLost` is told
 * once for each of the streams.
 */
export function processIo(onLost: (problem: UserError) => void): Io {
  const { stdout, stderr, env } = process
  const lost = new Set<string>()
  for (const [name, stream] of Object.entries({ 'standard output': stdout, 'standard error': stderr }))
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE' || lost.has(name)) return
      lost.add(name)
      onLost(new UserError(`cannot write to ${name}: ${fileProblem(error)}`))
    })
  return { stdout, stderr, env, process }
}

/** A command that goes on. */
interface Running {
  readonly io: Io
  /** What its process exits with. */
  status: number
}

const running = new AsyncLocalStorage<Running>()

/** What prints outside of any command: a callback of a library that has lost its way, or a test. */
const { stdout, stderr, env } = process
const OUTSIDE: Running = { io: { stdout, stderr, env, process }, status: 0 }

const present = (): Running => running.getStore() ?? OUTSIDE

/** Runs a command whose output goes to `io`; resolves with its exit status. */
export function withIo(io: Io, command: () => Promise<void>): Promise<number> {
  const own: Running = { io, status: 0 }
  return running.run(own, async () => {
    await command()
    return own.status
  })
}

/** That of the command that goes on. */
export const currentIo = (): Io => present().io

/** Sets the status that the command exits with, unless it throws. */
export function exitWith(status: number): void {
  present().status = status
}
