/** @file The work of espalier list. */
import { datasets } from '../../data/index.ts'
import { methods } from '../../methods/index.ts'
import { rewirings } from '../../methods/rewiring/index.ts'
import { models } from '../../models/index.ts'
import { granularities } from '../../sparsity/granularity/index.ts'
import { scopes } from '../../sparsity/scope.ts'
import { tiedSummary } from '../../sparsity/tied.ts'
import { UserError } from '../../util/errors.ts'
import { print, printJson } from '../display/output.ts'
import { glossary } from '../display/width.ts'
import type { Kind } from '../flags/kinds.ts'
import { listRecipes, recipeText } from './recipe-list.ts'

export interface ListOptions {
  family?: string
  network?: string
  data?: string
  maxMinutes?: number
  json?: boolean
}

type Entry = { name: string; summary: string }

const named = (known: Record<string, { summary: string }>): Entry[] =>
  Object.entries(known).map(([name, { summary }]) => ({ name, summary }))

const kinds: Record<Exclude<Kind, 'recipes'>, () => Entry[]> = {
  models: () => named(models),
  datasets: () => named(datasets),
  methods: () => [
    ...named(methods),
    ...named(scopes).map(({ name, summary }) => ({ name: `scope ${name}`, summary })),
    ...Object.entries(granularities).map(([name, summary]) => ({ name: `granularity ${name}`, summary })),
    ...named(rewirings).map(({ name, summary }) => ({ name: `rewire ${name}`, summary })),
    { name: 'tie', summary: tiedSummary },
    { name: 'train.gsm', summary: 'only the weights with the largest |w g| get their gradient (Ding et al. 2019)' },
    { name: 'train.groupLasso', summary: 'a penalty on the norms of whole kernels (Yuan & Lin 2006)' },
    { name: 'ticket', summary: 'lottery tickets: train, choose weights, rewind, train again (Frankle & Carbin 2019)' },
  ],
}

/** Prints all that there is of a kind. */
export function list(kind: Kind, { json, ...filter }: ListOptions): void {
  const [given] = Object.keys(filter)
  if (kind !== 'recipes' && given !== undefined)
    throw new UserError(`--${given === 'maxMinutes' ? 'max-minutes' : given} is for list recipes`)
  const entries = kind === 'recipes' ? listRecipes(filter) : kinds[kind]()
  if (json) printJson(entries)
  else if (kind === 'recipes') print(listRecipes(filter).map(recipeText).join('\n\n'))
  else print(glossary(entries))
}
