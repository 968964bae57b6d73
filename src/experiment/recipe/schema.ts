/**
 * @file What a recipe is: its sections, each of which knows only itself, put together. Every field says what
 * it is, so that the schema is also its documentation.
 */
import { z } from 'zod'
import { aboutSchema } from './sections/about.ts'
import { dataSchema } from './sections/data.ts'
import { modelSchema } from './sections/model.ts'
import { pruneSchema } from './sections/prune.ts'
import { rewireSchema } from './sections/rewire.ts'
import { ticketSchema } from './sections/ticket.ts'
import { tieSchema } from './sections/tie.ts'
import { trainSchema } from './sections/train.ts'
import { validationSchema } from './sections/validation.ts'

export const recipeSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]*$/, 'expected lower-case letters, digits, dots and dashes')
    .describe('Names the run folder.'),
  summary: z.string().default('').describe('One line for lists.'),
  about: aboutSchema.optional().describe('The paper, its figures and what a run takes; changes nothing.'),
  seed: z
    .int()
    .min(0)
    .default(0)
    .describe('Of initial weights, the validation split, the order of samples and random methods.'),
  model: modelSchema,
  data: dataSchema,
  train: trainSchema,
  validation: validationSchema.optional().describe('What is evaluated while the network trains.'),
  prune: pruneSchema.optional(),
  ticket: ticketSchema.optional().describe('Lottery tickets: train, choose weights, rewind them, train again.'),
  rewire: rewireSchema.optional().describe('Weights of the sparse network move while it trains.'),
  tie: tieSchema.optional().describe('Weights share values instead of being zero.'),
})

/** A recipe with every default filled in. */
export type Recipe = z.output<typeof recipeSchema>
