/** @file The section `ticket` of a recipe: how lottery tickets are looked for, rewound and trained. */
import { z } from 'zod'
import { duration } from '../../../util/schema.ts'
import { maskKeys } from '../mask-keys.ts'

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
  rewind: duration.default('0it').describe('Where kept weights and learning rates go back to.'),
  gsm: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('Keys of train that differ while gsm looks for its mask, and freeze of train.gsm.'),
  retrain: z
    .boolean()
    .optional()
    .describe('false: the run ends with what gsm leaves, and nothing is rewound and trained again (default: true).'),
  controls: z
    .array(z.enum(ticketControls))
    .default([])
    .describe('For every mask: as many weights of each layer at random places; new random initial weights.'),
})
