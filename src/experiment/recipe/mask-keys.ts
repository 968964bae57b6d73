/**
 * @file The keys of a recipe's prune section that say which weights may go, in what units, and what is done
 * about layer collapse.
 */
import { z } from 'zod'
import type { Tensor } from '../../graph/tensor.ts'
import type { MaskOptions } from '../../methods/masks.ts'
import type { Model } from '../../models/model.ts'
import { onCollapseKinds } from '../../sparsity/collapse.ts'
import { keptCount, truncatedCount } from '../../sparsity/count.ts'
import { type Floor, parseFloor } from '../../sparsity/floor.ts'
import { granularities, isGranularity } from '../../sparsity/granularity/index.ts'
import { chooseTensors, type PrunableSet, prunableSets } from '../../sparsity/tensors.ts'

/** Whole channels, and single weights of what is left: what a target divides. */
export const AUTO = 'auto'

export const maskKeys = {
  granularity: z
    .string()
    .refine((name) => name === AUTO || isGranularity(name), {
      error: ({ input }) => `expected ${Object.keys(granularities).join(', ')} such as 2:4 or 4x4, found ${input}`,
    })
    .default('weight')
    .describe(
      'What is kept or removed together, and rewired: weight, row, kernel, filter, fan-in (srigl); not rewired: 2:4, ' +
        '4x4, channel, and with a target auto: channels or weights, whichever gains more.',
    ),
  prunable: z.enum(prunableSets).optional().describe('Tensors to begin with (default: all; second order: published).'),
  include: z.array(z.string()).optional().describe('Only these tensors, * for any characters.'),
  exclude: z.array(z.string()).optional().describe('Not these tensors.'),
  floor: z
    .unknown()
    .refine((value) => value === undefined || floorOf(value) !== undefined, {
      error: ({ input }) => `expected weights such as 16 or a share such as 1%, found ${JSON.stringify(input)}`,
    })
    .transform((value) => value as string | number | undefined)
    .optional()
    .describe('What every layer keeps at least: weights, or a share such as 1%.'),
  onCollapse: z
    .enum(onCollapseKinds)
    .default('warn')
    .describe('What to do when a layer is emptied or no path is left: say so, keep a floor in every layer, or stop.'),
}

/** What the key `floor` of a recipe says; undefined where it says nothing. */
export const floorOf = (value: unknown): Floor | undefined =>
  typeof value === 'string' || typeof value === 'number' ? parseFloor(value) : undefined

/** Whether whole channels go. */
export const removesChannels = ({ granularity }: Pick<MaskSettings, 'granularity'>): boolean =>
  granularity === 'channel' || granularity === AUTO

export type MaskSettings = z.output<z.ZodObject<typeof maskKeys>>

/**
 * The tensors that may be pruned (or tied): `usual` where nothing is said. Throws UserError where a pattern
 * matches nothing; `section` is what it calls the part of the recipe.
 */
export function tensorsToPrune(
  { prunable, include, exclude }: Partial<MaskSettings>,
  model: Model,
  { section = 'prune', usual = 'all' as PrunableSet } = {},
): Tensor[] {
  const names = { include: `${section}.include`, exclude: `${section}.exclude` }
  return chooseTensors(model, { prunable: prunable ?? usual, include, exclude }, names)
}

/** The settings as pruning by scores takes them. */
export const maskOptions = ({
  granularity,
  floor,
  onCollapse,
  prunable,
}: MaskSettings): Omit<MaskOptions, 'sparsity'> => ({
  granularity: granularity === AUTO ? 'channel' : granularity,
  onCollapse,
  floor: floorOf(floor),
  count: prunable === 'reference' ? truncatedCount : keptCount,
})
