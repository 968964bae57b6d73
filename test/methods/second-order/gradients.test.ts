/** @file Gradient columns equal the gradients of the samples, one by one, by an ordinary backward pass. */
import { expect, it } from 'vitest'
import { differentiate } from '../../../src/graph/differentiate.ts'
import { prunableParameters } from '../../../src/graph/graph.ts'
import { GradientSource } from '../../../src/methods/second-order/fisher/gradients.ts'
import { Network } from '../../../src/train/network.ts'
import type { Forward } from '../../../src/train/options.ts'
import { random } from '../../../src/util/random.ts'
import { worstError } from '../../support/columns-case.ts'
import { tinyConv } from '../../support/tiny-conv.ts'
import { dataOf, machine, model as mlp } from '../../train/small.ts'

/** The gradients of the mean loss of some samples with respect to all weights. */
const plain = (size: number) => (forward: Forward) => {
  const { graph: pass, loss } = forward(size)
  const weights = prunableParameters(pass)
  const { graph, gradients } = differentiate(pass, loss, weights)
  gradients.forEach((gradient, i) => {
    graph.output(weights[i].name, gradient)
  })
  return graph
}

it.each([
  ['MLP', mlp, 130, 1],
  ['MLP, mini-batches', mlp, 4, 3],
  ['convolutional network', tinyConv, 103, 1],
  ['convolutional network, mini-batches', tinyConv, 3, 5],
  ['mini-batches in two runs each', mlp, 2, 66],
])('%s', (_, model, samples, miniBatch) => {
  const names = model === mlp ? ['fc1.weight', 'fc3.weight'] : ['conv1.weight', 'conv2.weight', 'fc.weight']
  const source = new GradientSource({ tensors: names, samples, miniBatch })
  const programs = { ...source.programs, plain: plain(miniBatch), single: plain(1) }
  const network = new Network({ machine, model, data: dataOf({ train: 150 }), batch: 16, programs })
  const draw = random(1, 'values')
  // Running statistics and scales that do something, and are positive.
  for (const { name } of network.stored)
    if (name.includes('bn'))
      network.values(name).set(Float32Array.from(network.values(name), () => 0.5 + draw.uniform()))
  const indices = random(2, 'samples')
    .permutation(150)
    .subarray(0, samples * miniBatch)
  const { tensors } = source.collect(network, indices)
  expect(tensors.map(({ name }) => name)).toEqual(names)
  const column = new Float32Array(samples)
  const got = tensors.map((columns) =>
    Array.from({ length: columns.size }, (_, q) => {
      columns.column(q, column)
      return [...column]
    }),
  )
  const gradientsOf = (program: string, some: Uint32Array) => {
    network.executable.write(program, 'index', some)
    network.executable.run(program)
    return names.map((name) => network.executable.read(program, name))
  }
  for (let i = 0; i < samples; i++) {
    const batch = indices.subarray(i * miniBatch, (i + 1) * miniBatch)
    // Sums over a batch may be far smaller than their terms, in which the roundings are.
    const sizes = tensors.map(({ size }) => new Float64Array(size))
    batch.forEach((_, b) => {
      gradientsOf('single', batch.subarray(b, b + 1)).forEach((values, t) => {
        values.forEach((x, q) => {
          sizes[t][q] += Math.abs(x) / miniBatch
        })
      })
    })
    gradientsOf('plain', batch).forEach((want, t) => {
      expect(want.some((x) => x !== 0)).toBe(true)
      const column = got[t].map((values) => values[i])
      expect(worstError(column, want, sizes[t])).toBeLessThan(2e-4)
    })
  }
  expect(() => source.collect(network, indices.subarray(1))).toThrow(/training samples, found/)
})
