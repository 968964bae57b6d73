/** @file Results of backend node tests by the operator that each of them is of. */

/** The tests of functions as graphs of other operators are named like those of the operator itself. */
const EXPANDED = /_expanded(_ver\d+)?$/
const NETWORKS = 'several operators'

/** How a test is run (run.mjs), what leaves the most to be computed first. */
export const FORMS = ['as it is', 'one input', 'all known']

/** The operators of tests, by `suite/name`. */
export function operatorsOf(tests) {
  const single = new Map(tests.map((test) => [keyOf(test), operatorOf(test.proto.graph)]))
  return new Map(
    tests.map((test) => {
      const function_ = EXPANDED.test(test.name) && single.get(keyOf(test).replace(EXPANDED, ''))
      return [keyOf(test), function_ ? `${function_}, expanded` : (single.get(keyOf(test)) ?? NETWORKS)]
    }),
  )
}

export const keyOf = ({ suite, name }) => `${suite}/${name}`

/** That of the only node that is no constant; undefined where there are several. */
function operatorOf({ node }) {
  const [first, ...rest] = node.filter(({ opType }) => opType !== 'Constant')
  if (!first || rest.length > 0) return undefined
  return ['', 'ai.onnx'].includes(first.domain) ? first.opType : `${first.domain}.${first.opType}`
}

/**
 * A row for each operator, by name; of several operators at the end.
 * @param {{ key: string, operator: string, verdict: string, form?: string, reason?: string }[]} results
 */
export function rowsOf(results) {
  const groups = grouped(results)
  const rows = [...groups].map(([operator, list]) => {
    const count = (verdict, form) =>
      list.filter((one) => one.verdict === verdict && (!form || one.form === form)).length
    const reason = commonest(list.flatMap(({ verdict, reason }) => (verdict === 'agree' ? [] : [reason])))
    return {
      operator,
      tests: list.length,
      agree: FORMS.map((form) => count('agree', form)),
      refused: count('refused'),
      wrong: count('wrong'),
      reason,
    }
  })
  const rank = ({ operator }) => Number(operator === NETWORKS)
  return rows.sort((a, b) => rank(a) - rank(b) || (a.operator < b.operator ? -1 : 1))
}

function grouped(results) {
  const groups = new Map()
  for (const one of results) groups.set(one.operator, [...(groups.get(one.operator) ?? []), one])
  return groups
}

function commonest(list) {
  const counts = new Map()
  for (const one of list) counts.set(one, (counts.get(one) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0]
}
