/**
 * @file What a recipe says of itself beside what is run: the paper, its figures, what should come out and
 * what that takes. Section `about`; nothing in it changes a run.
 */
import { parse, stringify } from 'yaml'
import { z } from 'zod'

const scalar = z.union([z.string(), z.number(), z.boolean()])

const publishedSchema = z.strictObject({
  value: z.number().describe('Test accuracy in percent.'),
  deviation: z.number().min(0).optional().describe('Standard deviation over runs, where it is published.'),
  where: z
    .record(z.string(), scalar)
    .default({})
    .describe('Recipe keys and the values that they have in the runs that it belongs to (default: all runs).'),
  source: z.string().optional().describe('Where it is from, if not from the paper and the table of the section.'),
})

export const aboutSchema = z.strictObject({
  paper: z.string().optional().describe('Whose experiment this is.'),
  table: z.string().optional().describe('Where the figures stand in it.'),
  expect: z.string().optional().describe('What should come out, where there is more to say than published figures.'),
  cost: z.string().optional().describe('Roughly what it takes, measured or estimated, and whether it was run.'),
  minutes: z
    .number()
    .positive()
    .optional()
    .describe(
      'The same as a number: minutes on two threads at most, of all runs of a sweep; recipes are filtered by it.',
    ),
  published: z.array(publishedSchema).default([]).describe('Published test accuracies.'),
})

export type About = z.output<typeof aboutSchema>
export type Published = z.output<typeof publishedSchema>

/** Every value of a recipe by its dotted key; lists are values. Keys that hold nothing are left out. */
export function settingsOf(value: unknown, prefix = ''): Map<string, unknown> {
  const found = new Map<string, unknown>()
  for (const [key, inner] of Object.entries(value as object)) {
    if (inner === undefined) continue
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner))
      for (const [path, leaf] of settingsOf(inner, `${prefix}${key}.`)) found.set(path, leaf)
    else found.set(prefix + key, inner)
  }
  return found
}

/**
 * A recipe, or the recipes of a sweep, as YAML without what they say of themselves: two that are equal then
 * run the same.
 */
export function withoutAbout(yaml: string): string {
  let value: { runs?: object; about?: unknown }
  try {
    value = parse(yaml)
  } catch {
    return yaml // Damaged: equal to no other.
  }
  const recipes: unknown[] = [value, ...Object.values(value?.runs ?? {})]
  for (const recipe of recipes)
    if (typeof recipe === 'object' && recipe !== null && 'about' in recipe) delete recipe.about
  return stringify(value, { aliasDuplicateObjects: false })
}

/** The published figures that belong to a recipe as it is. */
export function publishedFor(recipe: { about?: About }): Published[] {
  const settings = settingsOf(recipe)
  return (recipe.about?.published ?? []).filter(({ where }) =>
    Object.entries(where).every(([key, value]) => settings.get(key) === value),
  )
}

/** `98.14 ± 0.14`, with where it is from, if that is another place than the recipe's. */
export const publishedText = ({ value, deviation, source }: Published): string =>
  `${value}${deviation === undefined ? '' : ` ± ${deviation}`}${source ? ` (${source})` : ''}`
