/** @file A run done again in a folder that is gone afterwards: its recipe, where that names no files. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { datasets } from '../../data/index.ts'
import { openMachine } from '../../engine/machines/open.ts'
import type { Recipe } from '../../experiment/recipe/recipe.ts'
import { instructionsOf } from '../../experiment/run/environment.ts'
import type { RunResult } from '../../experiment/run/events.ts'
import { runRecipe } from '../../experiment/run/run.ts'
import type { Again, Claim } from '../../ledger/compare.ts'
import { environmentIn } from '../../ledger/of-runs.ts'
import { isModelName } from '../../models/index.ts'
import { readRuns } from '../../report/run.ts'
import { UserError } from '../../util/errors.ts'

/**
 * What the folder says, and what came of its recipe here. `data`: in the place of the data set that the
 * recipe names. Throws UserError where the run is not complete, or its recipe needs files of its own.
 */
export async function runAgain(folder: string, data?: string): Promise<{ claim: Claim; again: Again }> {
  const [run, second] = readRuns([folder])
  if (second) throw new UserError(`${folder} holds several runs: expected the folder of one of them`)
  const { recipe, result } = run
  if (!result) throw new UserError(`${folder} holds a run that is not complete`)
  const { engine = 'unknown' } = environmentIn(run.folder)
  const machine = await openMachine()
  const out = mkdtempSync(join(tmpdir(), 'espalier-verify-'))
  try {
    const outcome = await runRecipe(withoutFiles(recipe, folder, data), { out, machine })
    return {
      claim: { ...claimOf(result), environment: { instructions: instructionsOf(engine) } },
      again: { ...claimOf(outcome.result!), instructions: instructionsOf(machine.description) },
    }
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

/** A final accuracy is all that a run claims; that before pruning is part of the way. */
const claimOf = ({ layers, final }: RunResult) => ({
  layers: layers.map(({ name, size, kept }) => ({ name, size, kept })),
  final,
  dense: final,
})

/** Throws UserError where a recipe names a file, or a data set that only a person here can name. */
function withoutFiles(recipe: Recipe, folder: string, data: string | undefined): Recipe {
  const { model, ticket, train } = recipe
  const named = model.weights ?? model.masks ?? (isModelName(model.name) ? undefined : model.name) ?? train.costs
  if (named !== undefined)
    throw new UserError(`${folder}: its recipe needs a file, ${named}: expected a run that begins with random weights`)
  if (ticket) throw new UserError(`${folder}: its recipe is several runs: expected one without a ticket section`)
  if (data !== undefined) return { ...recipe, data: { ...recipe.data, name: data } }
  if (Object.hasOwn(datasets, recipe.data.name)) return recipe
  throw new UserError(`verify needs --data with the folder of the data set that the recipe of ${folder} calls so`)
}
