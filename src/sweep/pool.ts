/** @file Jobs in child processes, a few at a time. What one does never harms another. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface Job {
  /** Arguments of node. */
  args: readonly string[]
  env?: Readonly<Record<string, string>>
  /** Called with every line that it prints. */
  onLine?(line: string): void
}

export interface JobEnd {
  /** Exit status; undefined where a signal ended it. */
  code?: number
  signal?: string
  /** The last lines that it wrote to its standard error, 4 kB at most. */
  errors: string
}

/** Runs all jobs, `slots` at a time, in order. `abort` sends SIGINT to those that run and starts no more. */
export async function runJobs<J extends Job>(
  jobs: readonly J[],
  {
    slots,
    abort,
    onStart,
    onEnd,
  }: {
    slots: number
    abort: AbortSignal
    onStart?(job: J): void
    /** Says whether to run it once more, at the end. */
    onEnd(job: J, end: JobEnd): boolean
  },
): Promise<void> {
  const waiting = [...jobs]
  const running = new Set<ChildProcess>()
  const stop = () => {
    for (const child of running) child.kill('SIGINT')
  }
  abort.addEventListener('abort', stop)
  const worker = async () => {
    for (let job = waiting.shift(); job && !abort.aborted; job = waiting.shift()) {
      onStart?.(job)
      if (onEnd(job, await runJob(job, running))) waiting.push(job)
    }
  }
  await Promise.all(Array.from({ length: slots }, worker))
  abort.removeEventListener('abort', stop)
}

function runJob({ args, env, onLine }: Job, running: Set<ChildProcess>): Promise<JobEnd> {
  return new Promise((resolve) => {
    // In a group of its own, so that Ctrl-C in a terminal reaches it once, from here.
    const child = spawn(process.execPath, args, {
      ...{ env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true },
    })
    running.add(child)
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors = (errors + text).slice(-4096)
    })
    createInterface({ input: child.stdout }).on('line', (line) => onLine?.(line))
    const end = (result: JobEnd) => {
      running.delete(child)
      resolve(result)
    }
    child.on('error', (error) => end({ errors: error.message }))
    child.on('close', (code, signal) =>
      end({ code: code ?? undefined, signal: signal ?? undefined, errors: errors.trim() }),
    )
  })
}
