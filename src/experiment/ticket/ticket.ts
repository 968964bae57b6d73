/**
 * @file Lottery tickets as a recipe asks for them (section `ticket`): a plan of runs, each an ordinary recipe
 * in a folder of its own. The network is trained (`base`), masks are looked for, what they keep goes back to
 * what it was at the start or at a step soon after, and is trained again with the mask frozen.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import { ticketMasks, ticketRounds } from '../../methods/ticket/masks.ts'
import type { Model } from '../../models/model.ts'
import { leastOf } from '../../sparsity/floor.ts'
import { prunableTensors } from '../../sparsity/tensors.ts'
import { UserError } from '../../util/errors.ts'
import { activeCount } from '../plan/gsm.ts'
import { isDuration } from '../recipe/duration.ts'
import { floorOf, maskKeys } from '../recipe/mask-keys.ts'
import type { Recipe } from '../recipe/recipe.ts'
import { FILES } from '../run/folder.ts'
import { initialWeights, maskOf, shuffled, valuesIn, writeMask } from './files.ts'

export const ticketMethods = ['magnitude', 'iterative', 'gsm'] as const
export const ticketControls = ['random-mask', 'random-reinit'] as const

export const ticketSchema = z.strictObject({
  ratio: z.number().gt(1).describe('Compression ratio C: of N prunable weights round(N / C) are kept.'),
  masks: z
    .array(z.enum(ticketMethods))
    .min(1)
    .describe('How weights are chosen: magnitude (at once), iterative (magnitude in rounds of training), gsm.'),
  scope: z.enum(['global', 'layerwise']).default('global').describe('By magnitude: which weights compete.'),
  floor: maskKeys.floor.describe('global: what every layer keeps at least, weights or a share such as 1%.'),
  output: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("layerwise: the output layer's rate, as a share of the others' (default: 0.5)."),
  rate: z.number().positive().lt(1).default(0.2).describe('iterative: share of the weights left that a round removes.'),
  rewind: z
    .string()
    .refine(isDuration, 'expected a duration such as 4ep or 500it')
    .default('0it')
    .describe('Where kept weights and learning rates go back to.'),
  gsm: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('Keys of train that differ while gsm looks for its mask, and freeze of train.gsm.'),
  controls: z
    .array(z.enum(ticketControls))
    .default([])
    .describe('For every mask: as many weights of each layer at random places; new random initial weights.'),
})

/** A run of a plan. */
export interface Phase {
  /** Its folder inside that of the plan. */
  name: string
  recipe: Recipe
  /** Writes the files that the recipe reads, from those that earlier phases left. */
  prepare?(): void
}

/** Throws UserError where a recipe asks for what does not go together. */
export function checkTicket({ ticket, prune, rewire, train }: Recipe, source: string): void {
  if (!ticket) return
  if (prune) throw new UserError(`${source}: ticket: chooses weights by itself, expected no prune section beside it`)
  if (rewire) throw new UserError(`${source}: ticket: keeps its masks, expected no rewire section beside it`)
  if (train.gsm)
    throw new UserError(`${source}: ticket: trains by gsm where ticket.masks says so, expected no train.gsm`)
  if (ticket.output !== undefined && ticket.scope !== 'layerwise')
    throw new UserError(`${source}: ticket.output: needs scope layerwise, found ${ticket.scope}`)
  if (ticket.floor !== undefined && ticket.scope !== 'global')
    throw new UserError(`${source}: ticket.floor: needs scope global, found ${ticket.scope}`)
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

/** The recipe that looks for a mask by gsm, from weights in a file, still to be checked. */
export function gsmRecipe({ ticket, ...recipe }: Recipe, weights?: string): unknown {
  const { freeze, ...changes } = ticket?.gsm ?? {}
  return {
    ...recipe,
    name: `${recipe.name}-gsm`,
    model: { ...recipe.model, weights },
    train: { ...recipe.train, ...changes, gsm: { ratio: ticket?.ratio, freeze } },
  }
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
