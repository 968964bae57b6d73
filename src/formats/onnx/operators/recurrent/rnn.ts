/** @file RNN: h = f(x W' + h R' + biases). */
import { add } from '../../../../graph/operators/elementwise.ts'
import type { Tensor } from '../../../../graph/tensor.ts'
import type { Translator } from '../../scope.ts'
import { activationsOf } from './activations.ts'
import { layerOf } from './layer.ts'

export const rnn: Translator = (operation, inputs, scope) => {
  const layer = layerOf(operation, inputs, scope, 1)
  const { graph, steps, directions, biases } = layer
  const [f] = activationsOf(operation, ['Tanh'], directions)
  const bias = biases && add(graph, biases.input, biases.state)
  let h = layer.initial(5)
  const states: Tensor[] = []
  for (let step = 0; step < steps; step++) {
    const sum = add(graph, layer.input(step), layer.product(h))
    h = layer.kept(step, f(graph, bias ? add(graph, sum, bias) : sum), h)
    states.push(h)
  }
  return layer.outputs(states, [h])
}
