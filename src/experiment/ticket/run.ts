/**
 * @file Runs the plan of a recipe with a ticket section: each run in a folder of its own inside one that has
 * the recipe and, in the end, the report of all. Resuming goes on with the run that was interrupted; those
 * that are complete stay as they are.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openMachine } from '../../engine/machines/open.ts'
import { deadUnits } from '../../methods/ticket/masks.ts'
import { prunableTensors } from '../../sparsity/tensors.ts'
import { UserError } from '../../util/errors.ts'
import { writeAtomically } from '../../util/files.ts'
import { modelOf } from '../plan/network.ts'
import { phasesOf, planRuns } from '../plan/resolve.ts'
import { checkRecipe, type Recipe, recipeToYaml } from '../recipe/recipe.ts'
import { describeEnvironment, environmentText } from '../run/environment.ts'
import type { RunOutcome, RunResult } from '../run/events.ts'
import { FILES, RunFolder, resultIn } from '../run/folder.ts'
import { type RunOptions, runRecipe } from '../run/run.ts'
import { maskOf } from './files.ts'
import { type PhaseResult, ticketReport } from './report.ts'
import type { Phase } from './ticket.ts'

export interface TicketOutcome extends Omit<RunOutcome, 'result'> {
  /** Of the runs that are complete, in order. */
  phases: PhaseResult[]
}

/** Throws UserError as {@link runRecipe} does. */
export async function runTicket(given: Recipe, options: RunOptions = {}): Promise<TicketOutcome> {
  const recipe = checkRecipe(given, options.source ?? 'the recipe')
  if (!recipe.ticket) throw new UserError('ticket: expected a recipe with this section, found none')
  if (options.resume && !options.out) throw new UserError('--resume needs --out with the folder of the run')
  const machine = options.machine ?? (await openMachine())
  const model = modelOf(recipe)
  const layers = prunableTensors(model)
  // Refused, if so, before there is a folder.
  const [{ data }] = await planRuns(recipe, options)
  const folder = options.out ? RunFolder.open(options.out, options) : RunFolder.fresh(recipe.name)
  try {
    if (options.resume) folder.expectToResume(recipeToYaml(recipe))
    else {
      writeAtomically(folder.file('environment'), environmentText(describeEnvironment(machine)))
      writeAtomically(folder.file('recipe'), recipeToYaml(recipe))
    }
    const plan = phasesOf(recipe, folder.path)
    const done: PhaseResult[] = []
    for (const [index, phase] of plan.entries()) {
      const out = join(folder.path, phase.name)
      let result = options.resume ? completed(out, phase) : undefined
      if (!result) {
        options.onEvent?.({ type: 'phase', name: phase.name, index: index + 1, phases: plan.length })
        phase.prepare?.()
        const resume = options.resume && existsSync(join(out, FILES.recipe))
        const outcome = await runRecipe(phase.recipe, { ...options, machine, data, out, resume, force: !resume })
        if (!outcome.result) return { folder: folder.path, interrupted: true, phases: done }
        result = outcome.result
      }
      const masks = maskOf(join(out, FILES.model), layers)
      const dead = layers.map(({ shape }, i) => deadUnits(shape, masks[i]))
      done.push({ name: phase.name, result, dead })
    }
    writeAtomically(folder.file('report'), ticketReport(recipe, machine.description, done))
    return { folder: folder.path, interrupted: false, phases: done }
  } finally {
    folder.release()
  }
}

/** What a complete run came to; undefined of others. Throws UserError where it was run by another recipe. */
function completed(path: string, { recipe }: Phase): RunResult | undefined {
  const result = resultIn(path)
  const own = join(path, FILES.recipe)
  if (result && readFileSync(own, 'utf8') !== recipeToYaml(recipe))
    throw new UserError(`${own} differs from what the ticket's recipe makes of it: remove ${path} to run it again`)
  return result
}
