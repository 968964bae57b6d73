/** @file The runs of a sweep on this machine, a few at a time. What one does never harms another. */
import { type JobEnd, type JobOptions, jobOf, runJob } from './job.ts'
import type { RunCells } from './sweep.ts'
import type { Cell } from './sweep-file.ts'
import { Trunks } from './trunk.ts'

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
    const trunks = new Trunks(cells, out)
    const run = async (cell: Cell, options: JobOptions): Promise<JobEnd> => {
      const reason = await trunks.branch(cell, out, options)
      if (signal.aborted) return {}
      return reason === undefined ? runJob(jobOf(cell), out, options) : { reason }
    }
    const slot = async () => {
      for (let cell = waiting.shift(); cell && !signal.aborted; cell = waiting.shift()) {
        const own = cell
        tracker.start(own)
        const onProgress = (share: number) => tracker.progress(own, share)
        const end = run(own, { command, threads, signal, onProgress })
        const { result, reason } = await end.catch((error: Error): JobEnd => ({ reason: error.message }))
        if (result) tracker.done(own, result)
        else if (reason !== undefined && tracker.fail(own, reason)) waiting.push(own)
      }
    }
    await Promise.all(Array.from({ length: jobs }, slot))
    if (!signal.aborted) trunks.remove()
  }
