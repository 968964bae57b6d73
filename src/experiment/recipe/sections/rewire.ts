/**
 * @file The section `rewire` of a recipe: which method moves the weights of a sparse network while it trains,
 * when, and with which of its settings.
 */
import { z } from 'zod'
import { type RewiringName, rewirings } from '../../../methods/rewiring/index.ts'
import { overTime } from '../../../util/over-time.ts'
import { duration, nameIn } from '../../../util/schema.ts'

/**
 * All settings of all methods, none required here; what a key means stands beside the methods that have it.
 */
function settingsOfAll(): Record<string, z.ZodType> {
  const meanings = new Map<string, { schema: z.ZodType; of: Map<string, string[]> }>()
  for (const [name, { settings }] of Object.entries(rewirings))
    for (const [key, schema] of Object.entries(settings.shape)) {
      const meaning = meanings.get(key) ?? { schema, of: new Map() }
      const text = schema.description ?? ''
      meaning.of.set(text, [...(meaning.of.get(text) ?? []), name])
      meanings.set(key, meaning)
    }
  return Object.fromEntries(
    [...meanings].map(([key, { schema, of }]) => {
      const text = [...of].map(([meaning, names]) => `${names.join(', ')}: ${meaning}`).join('; ')
      const bare = schema instanceof z.ZodDefault ? schema.unwrap() : schema
      return [key, (bare as z.ZodType).optional().describe(`${text}.`)]
    }),
  )
}

const times = {
  method: nameIn<RewiringName>(rewirings),
  every: overTime(duration)
    .default('100it')
    .describe('Time between events: one, or several by when they begin. Not for deepr.'),
  end: duration.describe('No event from here on.'),
}

export const rewireSchema = z.strictObject({ ...times, ...settingsOfAll() })
/** The keys of every method; what else there is are settings of the one that is named. */
export const rewireTimes = z.object(times)
