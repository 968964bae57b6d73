/** @file espalier run: a recipe from start to report. */
import { join } from 'node:path'
import { Command } from 'commander'
import { type DryRun, dryRun } from '../../experiment/plan/dry-run.ts'
import { readRecipe, recipeToYaml } from '../../experiment/recipe/recipe.ts'
import { FILES, RunFolder } from '../../experiment/run/folder.ts'
import { layerTable } from '../../experiment/run/report.ts'
import { runRecipe } from '../../experiment/run/run.ts'
import { ticketTables } from '../../experiment/ticket/report.ts'
import { runTicket, type TicketOutcome } from '../../experiment/ticket/run.ts'
import { UserError } from '../../util/errors.ts'
import { bytes, clock, grouped } from '../../util/format.ts'
import { DataDisplay } from '../display/data-progress.ts'
import { interruptible } from '../display/interruptible.ts'
import { print, printJson } from '../display/output.ts'
import { RunDisplay } from '../display/progress.ts'
import { StopBeforePruning } from '../stop-before-pruning.ts'

interface Options {
  set: string[]
  seed?: string
  onCollapse?: string
  kernels?: string
  out?: string
  resume?: boolean
  force?: boolean
  dryRun?: boolean
  quiet?: boolean
  json?: boolean
  checkpointSeconds: string
  untilPruning?: boolean
}

export const runCommand = new Command('run')
  .description('run a recipe: train, prune, evaluate, report')
  .argument('<recipe>', 'a YAML file')
  .option(
    '--set <key=value>',
    'change a value of the recipe, such as train.epochs=5 (repeatable)',
    (value: string, all: string[]) => [...all, value],
    [],
  )
  .option('--seed <n>', 'seed of all random draws')
  .option('--on-collapse <what>', 'when pruning empties a layer or leaves no path: warn, floor or error')
  .option('--kernels <kind>', 'which layers skip their zeros: auto, dense or sparse (train.kernels)')
  .option('--out <dir>', 'run folder (default: a new one under runs/)')
  .option('--resume', 'go on with the run in --out from its last checkpoint')
  .option('--force', 'replace the run in --out')
  .option('--dry-run', 'show the network, its counts and the estimated cost; train nothing')
  .option('--checkpoint-seconds <n>', 'time between checkpoints', '10')
  .option('--until-pruning', 'stop with a checkpoint a step before the first pruning event')
  .option('--quiet', 'print nothing but errors')
  .option('--json', 'print one JSON object per line')
  .action(async (path: string, options: Options) => {
    const flags = { seed: options.seed, 'prune.onCollapse': options.onCollapse, 'train.kernels': options.kernels }
    const changes = Object.entries(flags).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]))
    if (options.onCollapse !== undefined && readRecipe(path, options.set).prune === undefined)
      throw new UserError(`--on-collapse is for recipes that prune: ${path} has no prune section`)
    const recipe = readRecipe(path, [...options.set, ...changes])
    const checkpointSeconds = Number(options.checkpointSeconds)
    if (!(options.checkpointSeconds.trim() !== '' && checkpointSeconds >= 0))
      throw new UserError(`--checkpoint-seconds: expected a number of 0 or more, found ${options.checkpointSeconds}`)
    const { out, resume, force, quiet, json } = options
    if (resume && force) throw new UserError('--resume and --force exclude each other')
    if (quiet && json) throw new UserError('--quiet and --json exclude each other')
    if (force && !out) throw new UserError('--force needs --out with the folder of the run')
    if (resume && !out) throw new UserError('--resume needs --out with the folder of the run')
    const stop = options.untilPruning ? new StopBeforePruning(recipe) : undefined
    if (options.dryRun) {
      const result = await dryRun(recipe)
      if (out) RunFolder.check(out, options, recipeToYaml(recipe))
      if (json) printJson(result)
      else if (!quiet) showDryRun(result)
      // A run would end here.
      if (result.missingData !== undefined) throw new UserError(result.missingData)
      return
    }

    const display = quiet || json ? undefined : new RunDisplay()
    const loading = display && new DataDisplay()
    const { signal, received, unstoppable, release } = interruptible(() => display?.stop())
    try {
      const run = recipe.ticket ? runTicket : runRecipe
      const outcome = await run(recipe, {
        out,
        resume,
        force,
        checkpointSeconds,
        onUnstoppable: unstoppable,
        signal: stop ? AbortSignal.any([signal, stop.signal]) : signal,
        onData: loading?.show,
        onEvent: (event) => {
          loading?.stop()
          stop?.see(event)
          if (json) printJson(event)
          else display?.show(event)
        },
      })
      if (!outcome.interrupted) {
        if ('phases' in outcome) showTicket(outcome, { json, quiet })
        return
      }
      // The folder's own recipe has every --set in it.
      const again = `espalier run ${join(outcome.folder, FILES.recipe)} --resume --out ${outcome.folder}`
      if (json) printJson({ type: 'interrupted', folder: outcome.folder })
      else if (!quiet) print(`interrupted; go on with: ${again}`)
      if (received()) process.exitCode = received() === 'SIGTERM' ? 143 : 130
    } finally {
      release()
      loading?.stop()
      display?.stop()
    }
  })

function showTicket({ folder, phases }: TicketOutcome, { json, quiet }: Pick<Options, 'json' | 'quiet'>): void {
  if (json) printJson({ type: 'ticket', folder, phases })
  else if (!quiet) print(`\n${ticketTables(phases)}\n\nAll runs are in ${folder}`)
}

function showDryRun(result: DryRun): void {
  print(layerTable(result.layers))
  const kernels = Object.entries(result.kernels).map(([name, n]) => `${n} ${name}`)
  print(`\n${grouped(result.parameters)} parameters in all; engine: ${result.engine}`)
  print(`one training step: ${kernels.join(', ')}`)
  print(
    `memory without the data set: ${bytes(result.arenaBytes)}; ${(1000 * result.secondsPerStep).toFixed(2)} ms per step`,
  )
  if (result.steps === undefined) print(`number of steps unknown: ${result.missingData}`)
  else print(`${grouped(result.steps)} steps: about ${clock(result.estimatedSeconds!)}, evaluation not counted`)
  if (result.runs && result.runs.length > 1)
    print(
      `${result.runs.length} runs: ${result.runs.map(({ name, steps }) => `${name} ${grouped(steps)}`).join(', ')} steps`,
    )
  if (result.warning) print(`warning: ${result.warning}`)
  if (result.guess) print(`note: ${result.guess}`)
}
