/** @file espalier list: what there is. */
import { Argument, Command } from 'commander'
import { markdownTable } from 'markdown-table'
import { datasets } from '../../data/index.ts'
import { methods } from '../../methods/index.ts'
import { rewirings } from '../../methods/rewiring/index.ts'
import { models } from '../../models/index.ts'
import { granularities } from '../../sparsity/granularity/index.ts'
import { scopes } from '../../sparsity/scope.ts'
import { tiedSummary } from '../../sparsity/tied.ts'
import { print, printJson } from '../display/output.ts'
import { listRecipes, recipeText } from '../display/recipe-list.ts'

type Entry = { name: string; summary: string }

const named = (known: Record<string, { summary: string }>): Entry[] =>
  Object.entries(known).map(([name, { summary }]) => ({ name, summary }))

const kinds: Record<string, () => Entry[]> = {
  models: () => named(models),
  datasets: () => named(datasets),
  methods: () => [
    ...named(methods),
    ...named(scopes).map(({ name, summary }) => ({ name: `scope ${name}`, summary })),
    ...Object.entries(granularities).map(([name, summary]) => ({ name: `granularity ${name}`, summary })),
    ...named(rewirings).map(({ name, summary }) => ({ name: `rewire ${name}`, summary })),
    { name: 'tie', summary: tiedSummary },
  ],
}

export const listCommand = new Command('list')
  .description('the models, data sets, pruning methods or recipes that there are')
  .addArgument(new Argument('<kind>', 'what to list').choices([...Object.keys(kinds), 'recipes']))
  .option('--json', 'print one JSON array')
  .action((kind: string, options: { json?: boolean }) => {
    if (kind === 'recipes') {
      const recipes = listRecipes()
      return options.json ? printJson(recipes) : print(recipes.map(recipeText).join('\n\n'))
    }
    const entries = kinds[kind]()
    if (options.json) return printJson(entries)
    print(markdownTable([[kind, ''], ...entries.map(({ name, summary }) => [name, summary])]))
  })
