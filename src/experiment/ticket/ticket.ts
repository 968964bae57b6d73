/**
 * @file Lottery tickets as a recipe asks for them: a plan of runs, each an ordinary recipe in a folder of
 * its own. The network is trained (`base`), masks are looked for, what they keep goes back to what it was
 * at the start or at a step soon after, and is trained again with the mask frozen (`retrain: false`: the
 * runs end with the network that gsm leaves).
 */
import { join } from 'node:path'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import { ticketMasks, ticketRounds } from '../../methods/ticket/masks.ts'
import type { Model } from '../../models/model.ts'
import { leastOf } from '../../sparsity/floor.ts'
import { prunableTensors } from '../../sparsity/tensors.ts'
import { UserError } from '../../util/errors.ts'
import { activeCount } from '../plan/gsm.ts'
import { gsmRecipe } from '../recipe/checks.ts'
import { floorOf } from '../recipe/mask-keys.ts'
import type { Recipe } from '../recipe/schema.ts'
import { FILES } from '../run/folder.ts'
import { initialWeights, maskOf, shuffled, valuesIn, writeMask } from './files.ts'

/** A run of a plan. */
export interface Phase {
  /** Its folder inside that of the plan. */
  name: string
  recipe: Recipe
  /** Writes the files that the recipe reads, from those that earlier phases left. */
  prepare?(): void
}

/**
 * What every layer keeps at least; undefined where nothing is said. Throws UserError where that is more than
 * all keep together.
 */
function leastKept(
  { floor }: NonNullable<Recipe['ticket']>,
  layers: readonly Tensor[],
  keep: number,
): number[] | undefined {
  if (floor === undefined) return undefined
  const least = layers.map((layer) => leastOf(layer, floorOf(floor)))
  const needed = least.reduce((sum, count) => sum + count, 0)
  if (needed <= keep) return least
  throw new UserError(
    `ticket.floor: expected no more than the ${keep} weights that are kept, found ${floor}, which needs ${needed}`,
  )
}

/** All runs, in order; `check` makes recipes of values. Throws UserError where the ratio leaves nothing. */
export function ticketPhases(recipe: Recipe, model: Model, folder: string, check: (value: unknown) => Recipe): Phase[] {
  const { ticket, ...rest } = recipe
  if (!ticket) throw new Error('the recipe has no ticket section')
  const layers = prunableTensors(model)
  const keep = activeCount(ticket, model, 'ticket.ratio')!
  const least = leastKept(ticket, layers, keep)
  const rounds = (rate?: number) =>
    ticketRounds(
      layers.map(({ shape }) => sizeOf(shape)),
      { ...ticket, keep, rate },
    )
  const file = (...parts: string[]) => join(folder, ...parts)
  const modelIn = (phase: string) => file(phase, FILES.model)
  const maskFile = (name: string) => file(`${name}-mask.safetensors`)
  const from = (weights: string, mask: string, start?: string) => ({
    model: { ...recipe.model, weights, masks: mask },
    train: { ...recipe.train, start },
  })
  const run = (name: string, changes: object, prepare?: () => void): Phase => ({
    name,
    prepare,
    recipe: check({ ...rest, ...changes, name: `${recipe.name}-${name}` }),
  })
  const rewound = (name: string, mask: string, prepare?: () => void) =>
    run(name, from(file('base', FILES.snapshot), mask, ticket.rewind), prepare)
  /** Writes a mask of the largest weights that a phase left. */
  const choose = (path: string, phase: string, counts: readonly number[], before?: string) => {
    const masks = ticketMasks(valuesIn(modelIn(phase), layers), counts, {
      before: before ? maskOf(before, layers) : undefined,
      least,
    })
    writeMask(path, layers, masks)
  }

  const phases = [run('base', { train: { ...recipe.train, snapshot: ticket.rewind } })]
  for (const method of ticket.masks) {
    const mask = maskFile(method)
    let prepare = () => choose(mask, 'base', rounds()[0])
    if (method === 'gsm') {
      phases.push({ name: 'gsm', recipe: check(gsmRecipe(recipe, modelIn('base'))) })
      prepare = () => writeMask(mask, layers, maskOf(modelIn('gsm'), layers))
    } else if (method === 'iterative') {
      const counts = rounds(ticket.rate)
      const path = (round: number) => (round === counts.length ? mask : maskFile(`iterative-${round}`))
      const chosen = (round: number) => {
        const last = round === 1 ? 'base' : `iterative-${round - 1}`
        return () => choose(path(round), last, counts[round - 1], round === 1 ? undefined : path(round - 1))
      }
      for (let round = 1; round < counts.length; round++)
        phases.push(rewound(`iterative-${round}`, path(round), chosen(round)))
      prepare = chosen(counts.length)
    }
    if (ticket.retrain === false) continue
    phases.push(rewound(`${method}-ticket`, mask, prepare))
    for (const control of ticket.controls) {
      const name = `${method}-${control}`
      if (control === 'random-mask') {
        const random = maskFile(name)
        phases.push(rewound(name, random, () => writeMask(random, layers, shuffled(maskOf(mask, layers), recipe.seed))))
      } else {
        const weights = file('reinit.safetensors')
        phases.push(run(name, from(weights, mask), () => initialWeights(weights, recipe, model)))
      }
    }
  }
  return phases
}
