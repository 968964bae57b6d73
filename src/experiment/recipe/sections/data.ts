/** @file The section `data` of a recipe: the data set, and what its inputs are made of. */
import { z } from 'zod'
import { augmentations } from '../../../data/augment.ts'
import { datasets } from '../../../data/index.ts'
import { normalizations } from '../../../data/normalization.ts'
import { shown } from '../../../util/check-schema.ts'
import { checkedBy, count, nameIn, positive } from '../../../util/schema.ts'

/** Mean or std of inputs: the number of channels is not known yet. */
const perChannels = checkedBy<number[] | 'data'>(
  (value) => value === 'data' || (Array.isArray(value) && value.length > 0 && value.every((x) => Number.isFinite(x))),
  (value) => `expected a list of numbers, one per channel, or data, found ${listed(value)}`,
)
const listed = (value: unknown): string => (Array.isArray(value) ? `[${value.map(shown).join(', ')}]` : shown(value))

export const dataSchema = z.strictObject({
  name: z.string().describe(`A data set (${Object.keys(datasets).join(', ')}) or a folder.`),
  normalization: nameIn(normalizations).optional().describe("Of inputs (default: the data set's own)."),
  mean: perChannels
    .optional()
    .describe('Of pixels scaled to 0..1: a number per channel, or data, measured on the training images.'),
  std: perChannels.optional().describe('Likewise; inputs are (pixel - mean) / std.'),
  size: positive.optional().describe('Folders of images: the shorter side is resized to this.'),
  crop: positive.optional().describe('Folders of images: a square is cut from the middle.'),
  skipCorrupt: z.boolean().optional().describe('Folders of images: leave out what cannot be decoded.'),
  augment: nameIn(augmentations).default('none').describe('Random crops and flips of training batches.'),
  validation: count.default(0).describe('Training samples held out and evaluated after every epoch.'),
  stratify: z.boolean().default(false).describe('Every class gives the same share of its samples to validation.'),
})
