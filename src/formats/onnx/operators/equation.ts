/** @file The equation of an Einsum: which axis of which operand is which, and which the result has. */
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'

/** One label per axis. Those of an ellipsis are numbers, counted from the last one back. */
export type Labels = readonly string[]

export interface Equation {
  operands: readonly Labels[]
  result: Labels
}

/** Throws UserError where the equation does not fit operands with these numbers of axes. */
export function equationOf(operation: Operation, ranks: readonly number[]): Equation {
  const text = operation.text('equation', '').replaceAll(' ', '')
  const wrong = (why: string): never => {
    throw new UserError(`${operation.label}: its equation ${text} ${why}`)
  }
  const [left, right, ...more] = text.split('->')
  const terms = left.split(',')
  if (more.length > 0 || !/^[A-Za-z.,]*$/.test(left + (right ?? ''))) wrong('is not one')
  if (terms.length !== ranks.length) wrong(`is of ${terms.length} operands, found ${ranks.length}`)
  const spare = terms.map((term, i) => ranks[i] - term.replace('...', '').length)
  const widest = Math.max(0, ...terms.map((term, i) => (term.includes('...') ? spare[i] : 0)))
  const labels = (term: string, count: number): string[] => {
    const [before, after = '', ...rest] = term.split('...')
    if (rest.length > 0 || (before + after).includes('.')) wrong('is not one')
    const inside = Array.from({ length: count }, (_, i) => String(count - 1 - i))
    return [...before, ...(term.includes('...') ? inside : []), ...after]
  }
  const operands = terms.map((term, i) => {
    if (term.includes('...') ? spare[i] < 0 : spare[i] !== 0) wrong(`has ${term} for an operand of ${ranks[i]} axes`)
    return labels(term, spare[i])
  })
  const all = operands.flat()
  if (right !== undefined) {
    const result = labels(right, widest)
    if (new Set(result).size < result.length || result.some((label) => !all.includes(label)))
      wrong(`gives ${right}, expected labels of its operands, once each`)
    return { operands, result }
  }
  // What stands once is left, in alphabetical order behind the ellipsis.
  const once = [...new Set(all)].filter(
    (label) => /[A-Za-z]/.test(label) && all.indexOf(label) === all.lastIndexOf(label),
  )
  return { operands, result: [...labels('...', widest), ...once.sort()] }
}
