/**
 * @file GRU (Cho et al. 2014), gates z, r and h in this order: h~ = g(x Wh' + (r h) Rh' + biases), or with
 * linear_before_reset g(x Wh' + bias + r (h Rh' + bias)); h = (1 - z) h~ + z h.
 */
import { add, mul, sub } from '../../../../graph/operators/elementwise.ts'
import type { Tensor } from '../../../../graph/tensor.ts'
import type { Translator } from '../../scope.ts'
import { activationsOf } from './activations.ts'
import { layerOf } from './layer.ts'

export const gru: Translator = (operation, inputs, scope) => {
  const layer = layerOf(operation, inputs, scope, 3)
  const { graph, steps, directions, biases } = layer
  const resetLater = operation.integer('linear_before_reset', 0) !== 0
  const [f, g] = activationsOf(operation, ['Sigmoid', 'Tanh'], directions)
  const withBias = (x: Tensor, bias?: Tensor) => (bias ? add(graph, x, bias) : x)
  let h = layer.initial(5)
  const states: Tensor[] = []
  for (let step = 0; step < steps; step++) {
    const fromInput = withBias(layer.input(step), biases?.input)
    const fromState = withBias(layer.product(h), biases?.state)
    const gate = (i: number) => f(graph, add(graph, layer.gate(fromInput, i), layer.gate(fromState, i)))
    const [z, r] = [gate(0), gate(1)]
    // The product of R with r h is taken whole, as its parameter is one; only its last part is used.
    const reset = resetLater
      ? mul(graph, r, layer.gate(fromState, 2))
      : layer.gate(withBias(layer.product(mul(graph, r, h)), biases?.state), 2)
    const candidate = g(graph, add(graph, layer.gate(fromInput, 2), reset))
    // (1 - z) h~ + z h
    const now = add(graph, candidate, mul(graph, z, sub(graph, h, candidate)))
    h = layer.kept(step, now, h)
    states.push(h)
  }
  return layer.outputs(states, [h])
}
