/**
 * @file Changes to a recipe before it is checked: `--set key=value`, and the budgets that a recipe offers,
 * each a list of changes.
 */
import { type Document, isMap, parse } from 'yaml'
import { UserError } from '../../util/errors.ts'
import { suggestion } from '../../util/suggest.ts'
import { yamlProblem } from '../../util/yaml.ts'

/**
 * Applies the budget that is chosen (`budget=short`, or the recipe's own key `budget`) and then the other
 * `a.b=value` changes, in order. A recipe offers budgets as
 *
 *     budgets:
 *       short: { train.epochs: 10, rewire.end: 9ep }
 *
 * Neither key is left: the recipe says what its run is. Throws UserError where a change has no place, and
 * where there is no such budget.
 */
export function applyChanges(document: Document, changes: readonly string[], source: string): void {
  if (!isMap(document.contents)) {
    // What is no recipe at all is for the schema to refuse, where nothing is to be changed.
    if (changes.length === 0) return
    throw new UserError(`${source}: expected a recipe, a mapping of keys to values`)
  }
  const chosen = changes.filter((change) => change.startsWith('budget='))
  for (const change of chosen) setPath(document, change)
  const [budget, budgets] = [document.get('budget'), document.get('budgets')]
  document.delete('budget')
  document.delete('budgets')
  if (budgets !== undefined && !isMap(budgets))
    throw new UserError(`${source}: budgets: expected changes by the name of a budget, found ${budgets}`)
  if (budget !== undefined && budget !== 'full') {
    const found = budgets?.get(String(budget))
    if (!isMap(found)) {
      const names = ['full', ...(budgets?.items.map(({ key }) => String(key)) ?? [])]
      throw new UserError(
        `${source}: budget: expected ${names.join(' or ')}, found ${budget}${suggestion(String(budget), names)}`,
      )
    }
    for (const { key, value } of found.items) setValue(document, String(key), value, `${source}: budgets.${budget}`)
  }
  for (const change of changes) if (!chosen.includes(change)) setPath(document, change)
}

/** `a.b=value`: the value is read as YAML. */
function setPath(document: Document, change: string): void {
  const [, path, text] = /^([^=]+)=(.*)$/s.exec(change) ?? []
  if (path === undefined) throw new UserError(`--set: expected key.path=value, found ${change || 'nothing'}`)
  let value: unknown
  try {
    value = parse(text, { logLevel: 'error' })
  } catch (error) {
    throw new UserError(`--set ${change}: not a YAML value: ${yamlProblem(error)}`)
  }
  setValue(document, path, document.createNode(value), `--set ${change}`)
}

function setValue(document: Document, path: string, value: unknown, where: string): void {
  try {
    document.setIn(path.split('.'), value)
  } catch {
    throw new UserError(`${where}: ${path} leads into a value that has no keys`)
  }
}
