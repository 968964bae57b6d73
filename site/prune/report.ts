/** @file A page of its own that says what was done to a network, by what, and what came of it. */
import { grouped, milliseconds, percent, threadsText } from '../shared/format.ts'
import type { Outcome } from '../work/prune.ts'
import type { Sensitivity } from '../work/sensitivity.ts'
import { VERSION } from '../work/version.ts'
import { figuresOf } from './figures.ts'
import { goalTexts, granularityTexts, methodTexts } from './methods.ts'
import type { Facts } from './protocol.ts'

interface Reported {
  facts: Pick<Facts, 'name' | 'summary' | 'formats' | 'runs' | 'reason'>
  outcome: Outcome
  sensitivity?: Sensitivity
  /** As the browser calls itself. */
  browser: string
  date: Date
}

/** HTML that needs nothing else; the same figures stand in it as JSON, in the element `facts`. */
export function reportOf({ facts, outcome, sensitivity, browser, date }: Reported): string {
  const { asked, layers, notes, seconds, weights, samples, runtime, threads } = outcome
  const title = `${facts.name}, pruned`
  const rows: [string, string][] = [
    ['Network', [facts.name, facts.summary].filter(Boolean).join(': ')],
    ['Method', methodTexts[asked.method].name],
    ['What goes together', granularityTexts[asked.granularity].name],
    ['Goal', `${goalTexts[asked.goal.kind]}: ${goalOf(outcome)}`],
    ...(asked.goal.kind === 'sparsity'
      ? [['Scope', asked.scope === 'global' ? 'all of the network' : 'each layer'] as [string, string]]
      : []),
    [
      'Samples',
      samples === undefined ? 'none: the network does not run here' : `${asked.samples}, ${grouped(samples)} judged`,
    ],
    ['Weights', grouped(weights)],
    ['Duration', `${seconds.toFixed(1)} s`],
    ['Espalier', `${VERSION}, WebAssembly, ${threadsText(threads)}`],
    ...(runtime ? [['ONNX Runtime Web', `${runtime}, ${threadsText(threads)}`] as [string, string]] : []),
    ['Browser', browser],
    ['Date', date.toISOString()],
  ]
  const said = facts.runs ? notes : [...notes, `The network does not run here: ${facts.reason}.`]
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: 0 0 1.5em; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 4px 16px 4px 0; border-bottom: 1px solid #8886; vertical-align: top; }
th { font-weight: 500; }
.n { text-align: right; white-space: nowrap; }
div { overflow-x: auto; }
</style>
<h1>${escaped(title)}</h1>
${table([], rows)}
<h2>Before and after</h2>
${table(
  ['', 'Before', 'After', 'Change'],
  figuresOf(outcome, facts).map(({ name, before, after, change }) => [name, before, after, change]),
)}
${said.map((note) => `<p>${escaped(note)}</p>`).join('\n')}
<h2>Tensors</h2>
${table(
  ['', 'Weights', 'Zeros', 'Share'],
  layers.map(({ name, size, zeros }) => [name, grouped(size), grouped(zeros), percent(zeros / size)]),
)}
${sensitivity ? sensitivityPart(sensitivity) : ''}<script type="application/json" id="facts">
${JSON.stringify({ file: facts.name, espalier: VERSION, browser, date, ...outcome, sensitivity }).replaceAll('<', '\\u003c')}
</script>
</html>
`
}

function goalOf({ asked: { goal } }: Outcome): string {
  const { kind, value } = goal
  if (kind === 'milliseconds') return milliseconds(value)
  return kind === 'kilobytes' ? `${value} kB` : percent(value)
}

function sensitivityPart({ sparsities, tensors, judges, byDistance, asked }: Sensitivity): string {
  const head = ['', ...sparsities.map((share) => percent(share))]
  const rows = tensors.map(({ name, losses }) => [name, ...losses.map((loss) => loss.toPrecision(3))])
  const what = byDistance ? 'The distance of the outputs' : 'What the loss grows by'
  return `<h2>Sensitivity</h2>
<p>${what}, on ${grouped(judges)} samples (${escaped(asked.samples)}), where that tensor alone is pruned by ${methodTexts[asked.method].name}.</p>
${table(head, rows)}
`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]) =>
    row.map((cell, i) =>
      i === 0 ? `<th scope="row">${escaped(cell)}</th>` : `<td${numeric(cell)}>${escaped(cell)}</td>`,
    )
  const top =
    head.length > 0 ? `<tr>${head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join('')}</tr>\n` : ''
  return `<div><table>\n${top}${rows.map((row) => `<tr>${cells(row).join('')}</tr>`).join('\n')}\n</table></div>`
}

const numeric = (cell: string): string => (/^[\d.,]+( (%|B|kB|MB|ms))?$/.test(cell) ? ' class="n"' : '')

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string): string => text.replace(/[&<>"]/g, (letter) => entities[letter])
