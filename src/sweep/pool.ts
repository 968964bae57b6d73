/** @file The runs of a sweep on this machine, a few at a time. What one does never harms another. */
import { jobOf, runJob } from './job.ts'
import type { RunCells } from './sweep.ts'

export interface PoolOptions {
  /** Processes at a time. */
  jobs: number
  /** Threads of each. */
  threads: number
  /** The command line of espalier, for node. */
  command: readonly string[]
}

/** In order; what failed is run again after those that wait. */
export const pool =
  ({ jobs, threads, command }: PoolOptions): RunCells =>
  async (cells, { out, tracker, signal }) => {
    const waiting = [...cells]
    const slot = async () => {
      for (let cell = waiting.shift(); cell && !signal.aborted; cell = waiting.shift()) {
        const own = cell
        tracker.start(own)
        const onProgress = (share: number) => tracker.progress(own, share)
        const end = runJob(jobOf(own), out, { command, threads, signal, onProgress })
        const { result, reason } = await end.catch((error: Error) => ({ result: undefined, reason: error.message }))
        if (result) tracker.done(own, result)
        else if (reason !== undefined && tracker.fail(own, reason)) waiting.push(own)
      }
    }
    await Promise.all(Array.from({ length: jobs }, slot))
  }
