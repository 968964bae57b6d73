/** @file espalier sweep: a recipe over a grid of values. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { pool } from '../../sweep/pool.ts'
import { accuracyTable } from '../../sweep/summary.ts'
import { type RunCells, resultsOf, runSweep } from '../../sweep/sweep.ts'
import { readSweep, type Sweep } from '../../sweep/sweep-file.ts'
import type { CellEvent } from '../../sweep/tracker.ts'
import { UserError } from '../../util/errors.ts'
import { writeAtomically } from '../../util/files.ts'
import { optional } from '../../util/optional.ts'
import { commandFile } from '../../util/package.ts'
import { interruptible } from '../display/interruptible.ts'
import { print, printJson } from '../display/output.ts'
import { SweepDisplay } from '../display/sweep.ts'
import { wholeNumber } from '../flags/numbers.ts'

interface Options {
  set: string[]
  out?: string
  jobs?: string
  threads?: string
  redis?: string
  resume?: boolean
  dryRun?: boolean
  json?: boolean
}

export const sweepCommand = new Command('sweep')
  .description('run a recipe with every combination of some values, in processes of their own')
  .argument('<sweep>', 'a YAML file: recipe, set, grid')
  .option(
    '--set <key=value>',
    'change a value of the recipe for all runs (repeatable)',
    (value: string, all: string[]) => [...all, value],
    [],
  )
  .option('--out <dir>', 'folder of the sweep (default: sweeps/ and its name)')
  .option('--jobs <n>', 'runs at a time (default: 1)')
  .option('--threads <n>', 'threads of each run (default: processors over jobs)')
  .option(
    '--redis <url>',
    'run on the workers of this Redis (espalier worker) instead of here: redis://:password@host:6379',
  )
  .option('--resume', 'run what is missing in --out')
  .option('--dry-run', 'show the runs and those that are done; run nothing')
  .option('--json', 'print one JSON object per line')
  .addHelpText(
    'after',
    `
With --redis, recipes are sent to workers, files that they name are not: data sets, weights and ONNX models have to be
found on the workers' machines under the same paths. Results come back through Redis into --out.`,
  )
  .action(async (path: string, options: Options) => {
    if (options.redis !== undefined && (options.jobs ?? options.threads) !== undefined)
      throw new UserError(
        '--jobs and --threads are for runs on this machine: with --redis, workers have flags of their own',
      )
    const jobs = wholeNumber('--jobs', options.jobs ?? '1', 1, 1024)
    const fair = Math.max(1, Math.floor(availableParallelism() / jobs))
    const threads = wholeNumber('--threads', options.threads ?? String(fair), 1, 1024)
    const sweep = readSweep(path, options.set)
    const out = options.out ?? join('sweeps', sweep.name)
    if (options.dryRun) return showPlan(sweep, out, options.json)
    const onNotice = (text: string) => {
      if (options.json) printJson({ type: 'notice', text })
      else if (display) display.line(text)
      else print(text)
    }
    let display: SweepDisplay | undefined
    const queue = options.redis === undefined ? undefined : await openQueue(options.redis, onNotice)
    const command = [commandFile()]
    display = options.json ? undefined : new SweepDisplay(sweep.cells.length, resultsOf(sweep, out).size)
    const { signal, received, release } = interruptible(() => display?.stop())
    try {
      const { results, failed } = await runSweep(sweep, {
        out,
        signal,
        resume: options.resume,
        run: queue?.run ?? pool({ jobs, threads, command }),
        onEvent: (event) => (options.json ? printJson(lineOf(event)) : display?.show(event)),
      })
      display?.stop()
      const table = accuracyTable(sweep, results)
      writeAtomically(join(out, 'report.md'), reportOf(sweep, table))
      if (!options.json) print(`\nTest accuracy in percent:\n\n${table}\n\nThe sweep is in ${out}`)
      if (received()) {
        const rest = queue ? ' --redis URL, which also collects what workers still finish' : ''
        if (!options.json) print(`interrupted; go on with: espalier sweep ${path} --resume --out ${out}${rest}`)
        process.exitCode = received() === 'SIGTERM' ? 143 : 130
      } else if (failed.size > 0) process.exitCode = 1
    } finally {
      release()
      display?.stop()
      queue?.close()
    }
  })

/** BullMQ is loaded only here: it takes a moment. */
async function openQueue(url: string, onNotice: (text: string) => void): Promise<{ run: RunCells; close(): void }> {
  const [{ openRedis }, { queued }] = await optional(['bullmq', 'ioredis'], 'a sweep through a queue', () =>
    Promise.all([import('../../sweep/queue/redis.ts'), import('../../sweep/queue/coordinator.ts')]),
  )
  const redis = await openRedis(url, onNotice)
  return { run: queued({ redis, onNotice }), close: () => redis.disconnect() }
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
