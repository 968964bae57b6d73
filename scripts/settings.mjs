// What can be set, written from the schemas: docs/settings.md (keys of recipes and flags of espalier prune)
// and recipes/recipe.schema.json, by which editors complete and check recipes.
//
// Usage: npm run settings, or node scripts/settings.mjs [--check] after a build; --check compares instead of
// writing
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { settingFlag } from '../dist/cli/prune/setting-flags.js'
import { recipeSchema } from '../dist/experiment/recipe/schema.js'
import { methods } from '../dist/methods/index.js'
import { rewirings } from '../dist/methods/rewiring/index.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

const { properties, ...whole } = z.toJSONSchema(recipeSchema, { io: 'input', unrepresentable: 'any' })
// Budgets are gone when a recipe is checked.
const budgets = {
  budgets: { type: 'object', description: 'Changes to the recipe, by the name of a budget.' },
  budget: { type: 'string', description: 'The budget that is chosen (default: full, the recipe as it stands).' },
}
const schema = { ...whole, title: 'A recipe of Espalier', properties: { ...properties, ...budgets } }

const cell = (text) => text.replaceAll('|', '\\|')
const table = (head, rows) => [head, head.map(() => ':---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')

/** Keys of an object schema with what they mean, and their default where the description does not say it. */
const meanings = ({ shape }) =>
  Object.entries(shape).map(([key, schema]) => {
    const text = (schema.description ?? '').replace(/\.$/, '')
    const { defaultValue } = schema.def
    return [key, cell(defaultValue === undefined || /\bdefault\b/.test(text) ? text : withDefault(text, defaultValue))]
  })

/** In the place of a number in parentheses that says the same. */
function withDefault(text, value) {
  const words = text.replace(/ \(([^()]+)\)$/, (all, own) => (Number(own) === value ? '' : all))
  return `${words} (default: ${typeof value === 'string' ? value : JSON.stringify(value)})`
}

const families = [
  ['scoring', 'How scores are measured'],
  ['secondOrder', 'Second order'],
  ['layerwise', 'Layer by layer'],
]

function family([section, title]) {
  const own = Object.entries(methods).filter(([, method]) => method.section === section)
  const [[, { settings }]] = own
  const rows = meanings(settings).map(([key, meaning]) => {
    const users = own.filter(([, { takes }]) => takes.includes(key)).map(([name]) => name)
    return [
      `\`${key}\``,
      `\`${settingFlag(key)}\``,
      meaning,
      usersText(
        users,
        own.map(([name]) => name),
      ),
    ]
  })
  const names = own.map(([name]) => `\`${name}\``).join(', ')
  return `## ${title}: \`prune.${section}\`\n\n${wrap(`The methods are ${names}.`)}\n\n${table(['Key', 'Flag', 'Meaning', 'Used by'], rows)}\n`
}

/** The names, or where most use a setting those that do not. */
function usersText(users, all) {
  const others = all.filter((name) => !users.includes(name))
  if (others.length === 0) return 'all'
  return others.length < users.length ? `all but ${others.join(', ')}` : users.join(', ')
}

const rules = Object.entries(rewirings).map(([name, { settings, summary }]) => {
  const rows = meanings(settings).map(([key, meaning]) => [`\`${key}\``, meaning])
  return `### \`${name}\`\n\n${wrap(`${summary[0].toUpperCase()}${summary.slice(1)}.`)}\n\n${table(['Key', 'Meaning'], rows)}\n`
})

function wrap(text) {
  const lines = ['']
  for (const word of text.split(' '))
    if (lines.at(-1).length + word.length < 110) lines.push(`${lines.pop()} ${word}`.trim())
    else lines.push(word)
  return lines.join('\n')
}

const document = `# What can be set

This page is written from the schemas by \`npm run settings\`. A key stands in the section of a recipe that its
heading names; the flag beside it is that of \`espalier prune\`. Everything else that a recipe can hold is in
[recipes/recipe.schema.json](../recipes/recipe.schema.json), by which editors complete and check recipes.

${families.map(family).join('\n')}
## Rewiring rules: \`rewire\`

${rules.join('\n')}`

const files = {
  'docs/settings.md': document,
  'recipes/recipe.schema.json': `${JSON.stringify(schema, null, 2)}\n`,
}
const check = process.argv.includes('--check')
for (const [name, text] of Object.entries(files)) {
  const path = join(root, name)
  if (!check) writeFileSync(path, text)
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`${name} is not what the schemas say: npm run settings writes it anew`)
    process.exitCode = 1
  }
}
