/** @file The work of espalier run. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type DryRun, dryRun } from '../../experiment/plan/dry-run.ts'
import { recipeToYaml } from '../../experiment/recipe/recipe.ts'
import type { RunOutcome } from '../../experiment/run/events.ts'
import { FILES, RunFolder } from '../../experiment/run/folder.ts'
import { layerTable } from '../../experiment/run/report.ts'
import { type RunOptions, runRecipe } from '../../experiment/run/run.ts'
import { ticketTables } from '../../experiment/ticket/report.ts'
import { runTicket, type TicketOutcome } from '../../experiment/ticket/run.ts'
import { UserError } from '../../util/errors.ts'
import { bytes, clock, grouped } from '../../util/format.ts'
import { DataDisplay } from '../display/data-progress.ts'
import { interruptedStatus, interruptible } from '../display/interruptible.ts'
import { print, printJson } from '../display/output.ts'
import { EXPENDABLE, RunDisplay } from '../display/progress.ts'
import { fitting } from '../display/width.ts'
import { recipePath } from '../flags/recipe-file.ts'
import { changed, named, originOf, type RunFlags } from '../flags/run.ts'
import { exitWith } from '../io.ts'
import { StopBeforePruning } from './stop-before-pruning.ts'

export async function run(given: string | undefined, options: RunFlags): Promise<void> {
  if (options.from !== undefined && given !== undefined)
    throw new UserError(`--from is in the place of a recipe: expected no ${given} beside it`)
  const path = given === undefined ? undefined : recipePath(given, 'recipe')
  if (path !== undefined && statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    const { runFolder } = await import('./run-folder.ts')
    return await runFolder(path, options)
  }
  const origin = originOf(path, options)
  const { source } = origin
  if (options.jobs !== undefined)
    throw new UserError(`--jobs is for a folder of recipes: expected none with ${source}, a single one`)
  const recipe = changed(origin, options)
  // Others of that program find its runs by their names.
  const out = options.out ?? (options.from === undefined ? undefined : join('runs', recipe.name))
  const { resume, force, quiet, jsonSteps, checkpointSeconds } = options
  const json = options.json || jsonSteps
  if (resume && force) throw new UserError('--resume and --force exclude each other')
  if (quiet && json) throw new UserError('--quiet and --json exclude each other')
  if (force && !out) throw new UserError('--force needs --out with the folder of the run')
  if (resume && !out) throw new UserError('--resume needs --out with the folder of the run')
  const stop = options.untilPruning ? new StopBeforePruning(recipe) : undefined
  if (options.dryRun) {
    if (out) RunFolder.check(out, options, recipeToYaml(recipe))
    const note = (sentence: string) => {
      if (!quiet && !json) print(`note: ${sentence}; what follows is measured on synthetic samples\n`)
    }
    const result = await named(origin, options, () => dryRun(recipe, source, note))
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
    const follow = recipe.ticket ? runTicket : runRecipe
    const settings: RunOptions = {
      source,
      out,
      resume,
      force,
      checkpointSeconds,
      onUnstoppable: (is, folder) => unstoppable(is, `go on with: ${againIn(folder)}`),
      signal: stop ? AbortSignal.any([signal, stop.signal]) : signal,
      onData: loading?.show,
      onEvent: (event) => {
        loading?.stop()
        stop?.see(event)
        if (!json) display?.show(event)
        else if (event.type !== 'progress' || jsonSteps) printJson(event)
      },
    }
    const outcome = await named<RunOutcome | TicketOutcome>(origin, options, () => follow(recipe, settings))
    if (!outcome.interrupted) {
      if ('phases' in outcome) showTicket(outcome, { json, quiet })
      return
    }
    // The folder's own recipe has every --set in it.
    if (json) printJson({ type: 'interrupted', folder: outcome.folder })
    else if (!quiet) print(`interrupted; go on with: ${againIn(outcome.folder)}`)
    if (received()) exitWith(interruptedStatus(received()))
  } finally {
    release()
    loading?.stop()
    display?.stop()
  }
}

/** The command that goes on with a run. */
const againIn = (folder: string): string => `espalier run ${join(folder, FILES.recipe)} --resume --out ${folder}`

function showTicket({ folder, phases }: TicketOutcome, { json, quiet }: Pick<RunFlags, 'json' | 'quiet'>): void {
  if (json) printJson({ type: 'ticket', folder, phases })
  else if (!quiet) print(`\n${ticketTables(phases)}\n\nAll runs are in ${folder}`)
}

function showDryRun(result: DryRun): void {
  print(fitting(layerTable(result.layers), EXPENDABLE))
  if (result.counted) print(`note: ${result.counted}`)
  const kernels = Object.entries(result.kernels).map(([name, n]) => `${n} ${name}`)
  print(`\n${grouped(result.parameters)} parameters in all; engine: ${result.engine}`)
  print(`one training step: ${kernels.join(', ')}`)
  print(
    `memory without the data set: ${bytes(result.arenaBytes)}; ${(1000 * result.secondsPerStep).toFixed(2)} ms per step`,
  )
  if (result.steps === undefined) print('number of steps unknown without the data')
  else print(`${grouped(result.steps)} steps: about ${clock(result.estimatedSeconds!)}, evaluation not counted`)
  if (result.runs && result.runs.length > 1)
    print(
      `${result.runs.length} runs: ${result.runs.map(({ name, steps }) => `${name} ${grouped(steps)}`).join(', ')} steps`,
    )
  if (result.warning) print(`warning: ${result.warning}`)
  if (result.guess) print(`note: ${result.guess}`)
}
