/** @file The work of espalier sweep. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { pool } from '../../sweep/pool.ts'
import { accuracyTable } from '../../sweep/summary.ts'
import { type RunCells, resultsOf, runSweep } from '../../sweep/sweep.ts'
import { readSweep, type Sweep } from '../../sweep/sweep-file.ts'
import type { CellEvent } from '../../sweep/tracker.ts'
import { UserError } from '../../util/errors.ts'
import { writeAtomically } from '../../util/files.ts'
import { optional } from '../../util/optional.ts'
import { commandFile } from '../../util/package.ts'
import { interruptedStatus, interruptible } from '../display/interruptible.ts'
import { print, printJson } from '../display/output.ts'
import { SweepDisplay } from '../display/sweep.ts'
import { recipePath } from '../flags/recipe-file.ts'
import { exitWith } from '../io.ts'

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
  const { jobs = 1, jsonSteps } = options
  const json = options.json || jsonSteps
  const { threads = Math.max(1, Math.floor(availableParallelism() / jobs)) } = options
  const sweep = readSweep(recipePath(path, 'sweep'), options.set, options.out)
  const out = options.out ?? join('sweeps', sweep.name)
  if (options.dryRun) return showPlan(sweep, out, json)
  if (options.redis !== undefined) refuseDependent(sweep)
  const onNotice = (text: string) => {
    if (json) printJson({ type: 'notice', text })
    else if (display) display.line(text)
    else print(text)
  }
  let display: SweepDisplay | undefined
  const queue = options.redis === undefined ? undefined : await openQueue(options.redis, onNotice)
  const command = [commandFile()]
  display = json ? undefined : new SweepDisplay(sweep.cells.length, resultsOf(sweep, out).size)
  const { signal, received, release } = interruptible(() => display?.stop())
  try {
    const { results, failed } = await runSweep(sweep, {
      out,
      signal,
      resume: options.resume,
      run: queue?.run ?? pool({ jobs, threads, command }),
      onEvent: (event) => {
        if (!json) display?.show(event)
        else if (event.type !== 'progress' || jsonSteps) printJson(lineOf(event))
      },
    })
    display?.stop()
    const table = accuracyTable(sweep, results)
    writeAtomically(join(out, 'report.md'), reportOf(sweep, table))
    if (!json) print(`\nTest accuracy in percent:\n\n${table}\n\nThe sweep is in ${out}`)
    if (received()) {
      const rest = queue ? ' --redis URL, which also collects what workers still finish' : ''
      if (!json) print(`interrupted; go on with: espalier sweep ${path} --resume --out ${out}${rest}`)
      exitWith(interruptedStatus(received()))
    } else if (failed.size > 0) exitWith(1)
  } finally {
    release()
    display?.stop()
    queue?.close()
  }
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

function lineOf(event: CellEvent): object {
  const { cell, ...rest } = event
  return { ...rest, run: cell.name, values: cell.values }
}

const reportOf = ({ name, summary, cells }: Sweep, table: string): string =>
  `# ${name}\n\n${summary ? `${summary}\n\n` : ''}${cells.length} runs. Test accuracy in percent, mean and standard deviation over seeds.\n\n${table}\n`
