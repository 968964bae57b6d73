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
    const missing = ({ after = [] }: Cell) => after.filter((name) => !tracker.results.has(name))
    const next = () => {
      const at = waiting.findIndex((cell) => missing(cell).length === 0)
      return at < 0 ? undefined : waiting.splice(at, 1)[0]
    }
    const work = async (cell: Cell) => {
      tracker.start(cell)
      const onProgress = (share: number) => tracker.progress(cell, share)
      const end = run(cell, { command, threads, signal, onProgress })
      const { result, reason } = await end.catch((error: Error): JobEnd => ({ reason: error.message }))
      if (result) tracker.done(cell, result)
      else if (reason !== undefined && tracker.fail(cell, reason)) waiting.push(cell)
    }
    // Each end may let others begin.
    const running = new Set<Promise<void>>()
    for (;;) {
      for (let cell = next(); cell && !signal.aborted; cell = running.size < jobs ? next() : undefined) {
        const own = work(cell).finally(() => running.delete(own))
        running.add(own)
      }
      if (running.size === 0) break
      await Promise.race(running)
    }
    if (!signal.aborted) for (const cell of waiting) tracker.skip(cell, missing(cell))
    if (!signal.aborted) trunks.remove()
  }
