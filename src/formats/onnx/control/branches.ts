/**
 * @file If. Of a condition that is known, one branch alone is run; else both are, and their results chosen
 * between element by element.
 */
import { where } from '../../../graph/operators/comparisons.ts'
import { reshape } from '../../../graph/operators/shape.ts'
import { sameShape, type Tensor } from '../../../graph/tensor.ts'
import type { Operation } from '../operation.ts'
import { rowMajor } from '../operators/layouts.ts'
import { Mixed, type Scope, Unsupported } from '../scope.ts'
import { Known, type Value } from '../value.ts'
import type { Control } from './control.ts'

const either: Control = (operation, [condition], { scope, body, wanted, deciding }) => {
  const { label } = operation
  const run = (branch: string) => body(branch, [], wanted)
  operation.ignore('then_branch', 'else_branch')
  if (condition instanceof Known) return run(condition.values[0] !== 0 ? 'then_branch' : 'else_branch')
  const told = deciding.length > 0 ? `, or the condition to be known, as by --given ${deciding[0]}=NUMBER` : ''
  const computed = `${label}: its condition is computed while the network runs`
  const [yes, no] = [run('then_branch'), run('else_branch')]
  const test = scope.tensor(condition, operation)
  return yes.map((a, i) => {
    const b = no[i]
    if (!a || !b) return undefined
    if (!sameShape(a.shape, b.shape))
      throw new Unsupported(
        `${computed}, and its branches give [${a.shape}] and [${b.shape}]: expected one shape of both${told}`,
      )
    const chosen = between(test, [a, b], scope, operation)
    scope.setType(chosen, scope.typeOf(a))
    return chosen
  })
}

/** One of two values of a shape, by a condition of one value, or of one for each sample. */
function between(test: Tensor, [a, b]: readonly Value[], scope: Scope, operation: Operation): Tensor {
  const { graph, batch } = scope
  const [yes, no] = [a, b].map((value) => scope.tensor(value, operation))
  const { shape } = yes
  if (test.shape.every((n) => n === 1)) return where(graph, reshape(graph, rowMajor(graph, test), [], false), yes, no)
  const samples = test.batched && test.shape.every((n, axis) => n === (axis === 0 ? batch : 1))
  if (!samples || shape[0] !== batch || !(yes.batched || no.batched))
    throw new Mixed(`${operation.label}: expected a condition of one value, found [${test.shape}]`)
  return where(graph, reshape(graph, test, [batch, ...shape.slice(1).map(() => 1)], true), yes, no)
}

export const branches: Record<string, Control> = { If: either }
