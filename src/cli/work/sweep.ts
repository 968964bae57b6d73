/** @file The work of espalier sweep. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type PoolOptions, pool } from '../../sweep/pool.ts'
import { accuracyTable } from '../../sweep/summary.ts'
import { type RunCells, resultsOf } from '../../sweep/sweep.ts'
import { readSweep, type Sweep } from '../../sweep/sweep-file.ts'
import { UserError } from '../../util/errors.ts'
import { optional } from '../../util/optional.ts'
import { commandFile } from '../../util/package.ts'
import { print, printJson } from '../display/output.ts'
import { recipePath } from '../flags/recipe-file.ts'
import { changesAsText } from '../flags/run.ts'
import { followSweep } from './follow-sweep.ts'

export interface SweepOptions {
  set: string[]
  out?: string
  jobs?: number
  threads?: number
  redis?: string
  resume?: boolean
  dryRun?: boolean
  json?: boolean
  jsonSteps?: boolean
}

export async function sweepOver(path: string, options: SweepOptions): Promise<void> {
  if (options.redis !== undefined && (options.jobs ?? options.threads) !== undefined)
    throw new UserError(
      '--jobs and --threads are for runs on this machine: with --redis, workers have flags of their own',
    )
  const { json, jsonSteps, resume, redis } = options
  const sweep = readSweep(recipePath(path, 'sweep'), options.set, options.out)
  const out = options.out ?? join('sweeps', sweep.name)
  if (options.dryRun) return showPlan(sweep, out, json || jsonSteps)
  if (redis !== undefined) refuseDependent(sweep)
  let queue: Awaited<ReturnType<typeof openQueue>> | undefined
  const rest = redis === undefined ? '' : ' --redis URL, which also collects what workers still finish'
  try {
    await followSweep(sweep, {
      out,
      resume,
      json,
      jsonSteps,
      runner: async (onNotice) => {
        if (redis === undefined) return pool(poolOptions(options))
        queue = await openQueue(redis, onNotice)
        return queue.run
      },
      table: ({ results }) => accuracyTable(sweep, results),
      heading: 'Test accuracy in percent, mean and standard deviation over seeds',
      again: ['espalier sweep', path, changesAsText(options), `--resume --out ${out}${rest}`].filter(Boolean).join(' '),
    })
  } finally {
    queue?.close()
  }
}

/** How many processes of how many threads share the machine. */
export function poolOptions({ jobs = 1, threads }: Pick<SweepOptions, 'jobs' | 'threads'>): PoolOptions {
  const all = availableParallelism()
  return { jobs, threads: threads ?? Math.max(1, Math.floor(all / jobs)), command: [commandFile()] }
}

/** BullMQ is loaded only here: it takes a moment. */
async function openQueue(url: string, onNotice: (text: string) => void): Promise<{ run: RunCells; close(): void }> {
  const [{ openRedis }, { queued }] = await optional(['bullmq', 'ioredis'], 'a sweep through a queue', () =>
    Promise.all([import('../../sweep/queue/redis.ts'), import('../../sweep/queue/coordinator.ts')]),
  )
  const redis = await openRedis(url, onNotice)
  return { run: queued({ redis, onNotice }), close: () => redis.disconnect() }
}

/** What a run begins with is not sent to workers. */
function refuseDependent({ cells }: Sweep): void {
  const one = cells.find(({ after }) => after !== undefined)
  if (one)
    throw new UserError(
      `--redis: ${one.name} begins with files of ${one.after!.join(' and ')}, which workers do not have: expected runs on this machine`,
    )
}

function showPlan(sweep: Sweep, out: string, json?: boolean): void {
  const done = resultsOf(sweep, out)
  const plan = sweep.cells.map(({ name, values }) => ({ run: name, values, done: done.has(name) }))
  if (json) {
    printJson(plan)
    return
  }
  for (const { run, done } of plan) print(`${run}${done ? '  done' : ''}`)
  print(`${plan.length} runs, ${done.size} of them done`)
}
