/** @file The section `data` of a recipe: the data set, and what its inputs are made of. */
import { z } from 'zod'
import { augmentations } from '../../../data/augment.ts'
import { fits } from '../../../data/geometry.ts'
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

/** A number of pixels, or rows x columns. */
const sides = checkedBy<number | string>(
  (value) =>
    (Number.isSafeInteger(value) && Number(value) > 0) ||
    (typeof value === 'string' && /^[1-9]\d*x[1-9]\d*$/.test(value)),
  (value) => `expected a whole number of pixels above 0, or rows x columns such as 24x32, found ${shown(value)}`,
).meta({
  anyOf: [
    { type: 'integer', minimum: 1 },
    { type: 'string', pattern: '^[1-9][0-9]*x[1-9][0-9]*$' },
  ],
})

export const dataSchema = z.strictObject({
  name: z
    .string()
    .describe(`A data set (${Object.keys(datasets).join(', ')}), a folder, or a file of arrays or texts.`),
  normalization: nameIn(normalizations).optional().describe("Of inputs (default: the data set's own)."),
  mean: perChannels
    .optional()
    .describe('Of pixels scaled to 0..1: a number per channel, or data, measured on the training images.'),
  std: perChannels.optional().describe('Likewise; inputs are (pixel - mean) / std.'),
  size: sides
    .optional()
    .describe('Folders of images: the shorter side is resized to this, or images to rows x columns such as 24x32.'),
  fit: z.enum(fits).optional().describe('How images come to rows x columns (default: crop).'),
  crop: positive.optional().describe('Folders of images: a square is cut from the middle.'),
  skipCorrupt: z.boolean().optional().describe('Folders of images: leave out what cannot be decoded.'),
  augment: nameIn(augmentations).default('none').describe('Random crops and flips of training batches.'),
  validation: count.default(0).describe('Training samples held out and evaluated after every epoch.'),
  stratify: z.boolean().default(false).describe('Every class gives the same share of its samples to validation.'),
})
