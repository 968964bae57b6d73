/**
 * @file Nodes of constants alone that have no fold of their own: what they become is run at once, by the
 * reference machine: rounded to single precision, as a runtime would, where all are floats, and in double
 * precision where some are whole numbers, which may be large.
 */
import { compile } from '../../engine/compile.ts'
import { openReference } from '../../engine/machines/reference.ts'
import { Graph } from '../../graph/graph.ts'
import { bounded } from './folds/fold.ts'
import type { Operation } from './operation.ts'
import { translators } from './operators/index.ts'
import { resultType } from './result-type.ts'
import { Scope, Unsupported } from './scope.ts'
import { Known } from './value.ts'

const remembered = new WeakMap<Operation, { inputs: readonly unknown[]; outputs: (Known | undefined)[] }>()

/**
 * The outputs of a node that has a translator. Throws Unsupported where it cannot be run on what it is given.
 */
export function runFold(operation: Operation, inputs: readonly (Known | undefined)[]): (Known | undefined)[] {
  const last = remembered.get(operation)
  if (last && inputs.every((input, i) => input === last.inputs[i])) return last.outputs
  if (inputs[0]?.size === 0) throw new Unsupported(`${operation.label}: it is given an input without elements`)
  const graph = new Graph()
  const scope = new Scope(graph, { training: false, batch: 1 })
  scope.operation = operation
  const plain = inputs.map((known) => known && new Known(known.shape, () => known.values, { type: known.type }))
  const results = translators[operation.op](operation, plain, scope)
  const tensors = results.map((value) => value && !(value instanceof Known) && scope.tensor(value, operation))
  tensors.forEach((tensor, i) => {
    if (!tensor) return
    bounded(tensor.shape, operation)
    graph.output(String(i), tensor)
  })
  const single = inputs.every((known) => known === undefined || known.type === 'F32')
  const program = compile(openReference({ single }), { fold: graph })
  program.run('fold')
  const types = inputs.map((known) => known?.type)
  const outputs = results.map((value, i) => {
    const tensor = tensors[i]
    if (!tensor) return value instanceof Known ? value : undefined
    const values = program.read('fold', String(i))
    return new Known(tensor.shape, () => values, { type: resultType(operation, i, types) })
  })
  remembered.set(operation, { inputs, outputs })
  return outputs
}
