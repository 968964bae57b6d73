/** @file A program in a process of its own, whose lines are read as they come. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface ChildEnd {
  /** Exit status; undefined where a signal ended it. */
  code?: number
  signal?: string
  /** The last characters that it wrote to its standard error, 4096 at most. */
  errors: string
}

export interface ChildOptions {
  env?: Readonly<Record<string, string>>
  /** Aborted: the process gets SIGINT, once. */
  signal: AbortSignal
  /** Called with every line that it prints. */
  onLine?(line: string): void
}

/**
 * Runs node with `args` to the end. It has a channel to this process, whose end tells it that this one is
 * gone (src/cli/display/interruptible.ts).
 */
export function runChild(args: readonly string[], { env, signal, onLine }: ChildOptions): Promise<ChildEnd> {
  return new Promise((resolve) => {
    // In a group of its own, so that Ctrl-C in a terminal reaches it once, from here.
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    })
    const interrupt = () => child.kill('SIGINT')
    signal.addEventListener('abort', interrupt)
    let errors = ''
    child.stderr!.setEncoding('utf8').on('data', (text) => {
      errors = (errors + text).slice(-4096)
    })
    createInterface({ input: child.stdout! }).on('line', (line) => onLine?.(line))
    const end = (result: ChildEnd) => {
      signal.removeEventListener('abort', interrupt)
      resolve(result)
    }
    child.on('error', (error) => end({ errors: error.message }))
    child.on('close', (code, killed) =>
      end({ code: code ?? undefined, signal: killed ?? undefined, errors: errors.trim() }),
    )
  })
}
