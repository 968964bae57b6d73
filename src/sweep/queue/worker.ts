/**
 * @file A worker: takes jobs of all sweeps from the queue and runs them, as a sweep on one machine does, in
 * temporary folders.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Job as QueueJob, WaitingError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { RunResult } from '../../experiment/run/events.ts'
import { type Job, runFolder, runJob } from '../job.ts'
import { packRun, packTrunk, unpackTrunk } from './message.ts'
import { hasResult, KEPT, putResult, QUEUE, takeResult } from './queue.ts'

export type WorkerEvent =
  | { type: 'start'; run: string }
  /** Without a result: a trunk. */
  | { type: 'done'; run: string; result?: RunResult }
  | { type: 'failed'; run: string; reason: string }
  | { type: 'returned'; run: string }

export interface WorkerOptions {
  redis: Redis
  /** Runs at a time. */
  concurrency: number
  /** Threads of each. */
  threads: number
  /** Seconds after which a worker that has said nothing counts as gone. */
  lockSeconds: number
  /** The command line of espalier, for node. */
  command: readonly string[]
  /** Ends the worker; what it runs goes back to the queue. */
  signal: AbortSignal
  onEvent(event: WorkerEvent): void
}

/** How often a job may lose its worker before it counts as failed. */
const LOST = 3

/** Milliseconds between two reports of progress. */
const PACE = 1000

/** Works until the signal comes. */
export async function work(options: WorkerOptions): Promise<void> {
  const { redis, concurrency, lockSeconds, signal } = options
  const worker = new Worker<Job>(QUEUE, (job, token) => serve(job, token, options), {
    connection: redis,
    concurrency,
    maxStalledCount: LOST,
    lockDuration: 1000 * lockSeconds,
    stalledInterval: 1000 * lockSeconds,
    removeOnComplete: { age: KEPT },
    removeOnFail: { age: KEPT },
  })
  // The queue says again what the connection has said, and that a job was given to another while Redis was
  // away.
  worker.on('error', () => {})
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  await worker.close(redis.status !== 'ready')
}

async function serve(job: QueueJob<Job>, token: string | undefined, options: WorkerOptions): Promise<void> {
  const { redis, command, threads, signal, onEvent } = options
  const id = String(job.id)
  // Done by a worker that could not say so.
  if (await hasResult(redis, id)) return
  const { run, recipe, untilPruning, from } = job.data
  onEvent({ type: 'start', run })
  const base = mkdtempSync(join(tmpdir(), 'espalier-worker-'))
  let told = 0
  const onProgress = (share: number) => {
    if (performance.now() - told < PACE) return
    told = performance.now()
    job.updateProgress(share).catch(() => {}) // The next one will do.
  }
  try {
    const folder = runFolder(base, 'run')
    const trunk = from === undefined ? undefined : await takeResult(redis, from)
    if (trunk) await unpackTrunk(trunk, folder, recipe)
    const own = { run: 'run', recipe, untilPruning }
    const { result, reason } = await runJob(own, base, { command, threads, signal, onProgress })
    if (reason === undefined && (result || (untilPruning && !signal.aborted))) {
      await putResult(redis, id, await (untilPruning ? packTrunk : packRun)(folder))
      onEvent({ type: 'done', run, result })
      return
    }
    if (reason !== undefined) {
      onEvent({ type: 'failed', run, reason })
      throw new Error(reason)
    }
    onEvent({ type: 'returned', run })
    await job.moveToWait(token)
    throw new WaitingError()
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}
