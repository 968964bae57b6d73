/** @file A network small enough to be trained a hundred times: 25-12-8-4 with biases on 5 x 5 pixels. */
import { type SyntheticOptions, synthetic } from '../../src/data/synthetic.ts'
import { openNative } from '../../src/engine/machines/native.ts'
import { relu } from '../../src/graph/operators/elementwise.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { flatten } from '../../src/graph/operators/shape.ts'
import type { Model } from '../../src/models/model.ts'
import { Network } from '../../src/train/network.ts'
import type { NetworkOptions } from '../../src/train/options.ts'
import { sets, wasm } from '../support/engines.ts'

/** The fastest engine here, on one thread: networks this small gain nothing from more. */
export const machine = sets.length ? openNative(1) : wasm

export const model: Model = {
  name: 'small',
  summary: 'for tests',
  image: [1, 5, 5],
  classes: 4,
  build(graph, images) {
    let x = relu(graph, linear(graph, flatten(graph, images), 'fc1', 12))
    x = relu(graph, linear(graph, x, 'fc2', 8))
    return linear(graph, x, 'fc3', 4)
  },
}

export const dataOf = (options: SyntheticOptions = {}) =>
  synthetic({ image: model.image, classes: model.classes, train: 50, test: 20, ...options })

export const smallNetwork = (options: Partial<NetworkOptions> = {}): Network =>
  new Network({ machine, model, data: dataOf(), batch: 16, ...options })

/** All parameters, masks and momentum by name. */
export function stateOf(network: Network): Record<string, number[]> {
  const { parameters, prunable } = network
  return Object.fromEntries([
    ...parameters.map(({ name }) => [name, [...network.values(name)]]),
    ...parameters.map(({ name }) => [`momentum of ${name}`, [...network.momentum(name)]]),
    ...prunable.map(({ name }) => [`mask of ${name}`, [...network.mask(name)]]),
  ])
}
