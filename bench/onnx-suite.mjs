/**
 * @file `npm run bench onnx-suite [FILE]`: the ONNX project's backend node tests, run here and compared with
 * their expected outputs, by operator. Debian's package libonnx-testdata holds them; `ONNX_SUITE` names
 * another folder of the same form. `ONNX_SUITE_TEST=TEXT` prints the results of those that are named so.
 */
import { writeFileSync } from 'node:fs'
import { markdownTable } from 'markdown-table'
import { openMachine } from '../dist/engine/machines/open.js'
import { casesOf, suiteFolder } from './onnx-suite/cases.mjs'
import { FORMS, keyOf, operatorsOf, rowsOf } from './onnx-suite/operators.mjs'
import { ABSOLUTE, RELATIVE, runCase } from './onnx-suite/run.mjs'
import { machineText } from './report.mjs'

/** Results of the tests of a folder, in order: all of them, or those that `isTaken(test, index)` names. */
export async function suiteResults(folder, isTaken = () => true) {
  const machine = await openMachine()
  const tests = [...casesOf(folder)]
  const operators = operatorsOf(tests)
  const resultOf = (test) => ({ key: keyOf(test), operator: operators.get(keyOf(test)), ...runCase(machine, test) })
  return tests.filter(isTaken).map(resultOf)
}

export async function benchOnnxSuite(file) {
  const folder = suiteFolder()
  if (!folder) {
    console.error('the backend tests of ONNX are missing: apt-get install libonnx-testdata, or set ONNX_SUITE=FOLDER')
    process.exit(1)
  }
  const only = process.env.ONNX_SUITE_TEST
  const results = await suiteResults(folder)
  for (const { key, verdict, form, reason } of results)
    if (only ? key.includes(only) : verdict === 'wrong')
      console.log([key, verdict, form, reason].filter(Boolean).join(': '))
  console.log(totals(results))
  if (!only) writeFileSync(file, page(results))
}

const totals = (results) =>
  ['agree', 'refused', 'wrong']
    .map((verdict) => `${results.filter((one) => one.verdict === verdict).length} ${verdict}`)
    .join(', ')

/** Reasons name nodes and shapes; this much of them tells them apart. */
const REASON = 100

export function page(results) {
  const rows = rowsOf(results).map(({ operator, tests, agree, refused, wrong, reason = '' }) => {
    const short = reason.length > REASON ? `${reason.slice(0, REASON - 1)}…` : reason
    const counts = [...agree, refused, wrong].map((count) => (count === 0 ? '' : String(count)))
    return [operator, String(tests), ...counts, short.replaceAll('|', '\\|').replaceAll('<', '&lt;')]
  })
  const head = ['operator', 'tests', ...FORMS, 'refused', 'wrong', 'the commonest reason']
  const wrong = results.filter(({ verdict }) => verdict === 'wrong')
  const [, one, known] = FORMS.map((form) => results.filter((r) => r.verdict === 'agree' && r.form === form).length)
  return `# The ONNX project's backend tests

Debian's package libonnx-testdata holds the backend node tests of the ONNX project: models of one operator
(and some of a few), with inputs and expected outputs. Of ${results.length} tests: **${totals(results)}**.

A test *agrees* if all outputs have the expected shapes, floats within ${ABSOLUTE} + ${RELATIVE} |expected|,
as the suite's own runner allows, and whole numbers and booleans exactly. It is *refused* if a sentence says
why it does not run here, and anything else is *wrong*. The suite feeds every operand as an input, also those
that exporters store, such as shapes and axes, which have to be known here before a network runs. So each test
is run *as it is*, with all inputs but *one input* stored in its model (each in turn), and with *all known*,
where nothing is left to run; it is wrong if it is wrong in any of these forms, and counts in the first in
which it agrees. ${one} agree with one input alone, and ${known} with all known alone. *Expanded* are
functions of ONNX written as graphs of other operators.

${markdownTable([head, ...rows], { align: ['l', ...Array(6).fill('r'), 'l'] })}
${wrong.length > 0 ? `\nWrong are:\n\n${wrong.map(({ key, form, reason }) => `- ${key} (${form}): ${reason}`).join('\n')}\n` : ''}
Made by \`npm run bench onnx-suite\` on ${machineText()}.
`
}
