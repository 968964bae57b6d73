/**
 * @file LSTM (Hochreiter & Schmidhuber 1997), gates i, o, f and c in this order, with peepholes Pi, Po and Pf
 * (Gers et al. 2002): c = f c + i g(...), h = o h(c); i and f see c before, o after the step.
 */
import { add, mul, sub } from '../../../../graph/operators/elementwise.ts'
import { reshape, slice } from '../../../../graph/operators/shape.ts'
import { sameShape, type Tensor } from '../../../../graph/tensor.ts'
import { UserError } from '../../../../util/errors.ts'
import type { Operation } from '../../operation.ts'
import type { Scope, Translator } from '../../scope.ts'
import type { Value } from '../../value.ts'
import { activationsOf } from './activations.ts'
import { type Layer, layerOf } from './layer.ts'

export const lstm: Translator = (operation, inputs, scope) => {
  const layer = layerOf(operation, inputs, scope, 4)
  const { graph, steps, directions, biases } = layer
  const [f, g, output] = activationsOf(operation, ['Sigmoid', 'Tanh', 'Tanh'], directions)
  const peep = peepholes(inputs[7], layer, scope, operation)
  const coupled = operation.integer('input_forget', 0) !== 0
  const bias = biases && add(graph, biases.input, biases.state)
  let [h, c] = [layer.initial(5), layer.initial(6)]
  const states: Tensor[] = []
  for (let step = 0; step < steps; step++) {
    const product = add(graph, layer.input(step), layer.product(h))
    const sum = bias ? add(graph, product, bias) : product
    const gate = (i: number, cell: Tensor) => f(graph, peep(layer.gate(sum, i), i, cell))
    const input = gate(0, c)
    const forget = coupled ? sub(graph, graph.constant(1), input) : gate(2, c)
    const cell = add(graph, mul(graph, forget, c), mul(graph, input, g(graph, layer.gate(sum, 3))))
    const now = mul(graph, gate(1, cell), output(graph, cell))
    c = layer.kept(step, cell, c)
    h = layer.kept(step, now, h)
    states.push(h)
  }
  return layer.outputs(states, [h, c])
}

/** Adds what a gate sees of the cell; P [directions, 3 x hidden] is in the order of the gates i, o and f. */
function peepholes(
  value: Value | undefined,
  { graph, directions, hidden }: Layer,
  scope: Scope,
  operation: Operation,
): (sum: Tensor, gate: number, cell: Tensor) => Tensor {
  if (value === undefined) return (sum) => sum
  const known = scope.known(value, operation, 'peepholes')
  if (!sameShape(known.shape, [directions, 3 * hidden]))
    throw new UserError(`${operation.label}: expected P of shape [${directions},${3 * hidden}], found [${known.shape}]`)
  const whole = scope.parameter(known, { in: hidden, out: hidden })
  const parts = [0, 1, 2].map((gate) =>
    reshape(graph, slice(graph, whole, [0, gate * hidden], [directions, hidden]), [directions, hidden]),
  )
  return (sum, gate, cell) => add(graph, sum, mul(graph, parts[gate], cell))
}
