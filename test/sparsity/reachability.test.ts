/**
 * @file What lies on a path from input to output, against what numbers say: with positive weights and no
 * biases an output depends on whatever has a path to it.
 */
import { expect, it } from 'vitest'
import { openReference } from '../../src/engine/machines/reference.ts'
import { Graph } from '../../src/graph/graph.ts'
import { convLayer } from '../../src/graph/operators/conv.ts'
import { add, relu } from '../../src/graph/operators/elementwise.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { batchNorm } from '../../src/graph/operators/norm.ts'
import { averagePool, globalAveragePool, maxPool } from '../../src/graph/operators/pooling.ts'
import { concat, flatten, pad, slice } from '../../src/graph/operators/shape.ts'
import { sameShape, sizeOf, type Tensor } from '../../src/graph/tensor.ts'
import { findModel, models } from '../../src/models/index.ts'
import { reach, reachOf } from '../../src/sparsity/reachability.ts'
import { prunableTensors } from '../../src/sparsity/tensors.ts'
import { type Random, random } from '../../src/util/random.ts'
import { breadth, rows } from '../support/breadth.ts'
import { Evaluator } from '../support/evaluate.ts'

/**
 * A random network of convolutions (plain, grouped, depthwise), normalization, pooling, sums, joins and
 * option-A shortcuts.
 */
function randomNetwork(rng: Random) {
  const graph = new Graph()
  const between = (low: number, high: number) => low + rng.below(high - low + 1)
  const x = graph.input('x', [1, between(1, 3), 8, 8])
  const values: Tensor[] = [x]
  const layers: ((x: Tensor, name: string) => Tensor | undefined)[] = [
    ...[3, 3, 1].map((kernel) => (x: Tensor, name: string) => {
      const group = x.shape[1] % 2 === 0 && rng.below(3) === 0 ? 2 : 1
      const options = { pad: (kernel - 1) / 2, stride: x.shape[2] > 2 ? between(1, 2) : 1, group }
      return convLayer(graph, x, name, group * between(1, 2), kernel, options)
    }),
    (x, name) => convLayer(graph, x, name, x.shape[1] * between(1, 2), 3, { pad: 1, group: x.shape[1] }),
    (x, name) => relu(graph, batchNorm(graph, x, name, false)),
    (x) => (x.shape[2] > 1 ? maxPool(graph, x, { kernel: [2, 2] }) : undefined),
    (x) => (x.shape[2] > 1 ? averagePool(graph, x, { kernel: [2, 2] }) : undefined),
    (x) => {
      const other = values.findLast((value) => value !== x && sameShape(value.shape, x.shape))
      return other && add(graph, x, other)
    },
    (x) => {
      const others = values.filter(({ shape }) => shape[2] === x.shape[2])
      return concat(graph, [x, others[rng.below(others.length)]])
    },
    (x) => pad(graph, x, [0, rng.below(2), 0, 0], [0, between(1, 2), 0, 0]),
    (x) => {
      const [, c, side] = x.shape
      const step = side > 2 ? 2 : 1
      const start = rng.below(c)
      return slice(graph, x, [0, start, 0, 0], [1, c - start, side / step, side / step], [1, 1, step, step])
    },
  ]
  for (let i = 0; i < 9; i++) {
    const from = rng.below(3) ? values.at(-1)! : values[rng.below(values.length)]
    const value = layers[rng.below(layers.length)](from, `layer${i}`)
    if (value && value.shape[1] <= 8) values.push(value)
  }
  const last = values.at(-1)!
  const features = flatten(graph, rng.below(2) ? globalAveragePool(graph, last) : last)
  const hidden = relu(graph, linear(graph, features, 'fc1', 4, { bias: false }))
  const logits = linear(graph, hidden, 'fc2', 3, { bias: false })
  graph.output('logits', logits)
  return { graph, x, logits }
}

/**
 * Positive weights, many of them removed. Where a kernel keeps a weight it keeps its middle, so that no
 * signal is shifted out of the image; for the same reason maps of 2 x 2 pixels are not thinned out further.
 */
function randomWeights(graph: Graph, rng: Random): Map<string, number[]> {
  const density = 0.3 + 0.6 * rng.uniform()
  return new Map(
    graph.withRole('parameter').map(({ name, shape }) => {
      if (name.endsWith('.bias')) return [name, new Array(shape[0]).fill(0)]
      const area = shape.length === 4 ? shape[2] * shape[3] : 1
      const kept = Array.from({ length: sizeOf(shape) }, () => rng.uniform() < density)
      for (let at = 0; at < kept.length; at += area)
        if (area > 1 && kept.slice(at, at + area).includes(true)) kept[at + (area - 1) / 2] = true
      return [name, kept.map((keep) => (keep ? 0.5 + rng.uniform() : 0))]
    }),
  )
}

it('agrees with numerical probing on random masked networks', () => {
  let [someDead, someCutOff] = [0, 0]
  for (let seed = 0; seed < breadth(35, 100); seed++) {
    const rng = random(seed, 'reachability')
    const { graph, x, logits } = randomNetwork(rng)
    const weights = randomWeights(graph, rng)
    const masks = new Map([...weights].filter(([name]) => name.endsWith('.weight')))
    const values = new Map(weights)
    for (const { name, shape, initial } of graph.withRole('buffer'))
      values.set(name, new Array(shape[0]).fill(initial as number))
    const image = Array.from({ length: sizeOf(x.shape) }, () => 1 + rng.uniform())
    const evaluator = new Evaluator(openReference(), graph)
    const run = (change: Iterable<[string, number[]]>) => [
      ...evaluator.run(new Map([...values, ['x', image], ...change])).get('logits')!,
    ]

    const found = reach(graph, x, logits, masks)
    const before = run([])
    const brighter = run([['x', image.map((pixel) => 2 * pixel)]])
    const depends = before.map((logit, i) => logit !== brighter[i])
    expect([seed, found.outputs]).toEqual([seed, depends])

    for (const [name, weight] of masks) {
      // A larger weight is seen in some output wherever it lies on a path, also through the largest value of
      // a pooling window.
      const effective = weight.filter((w, i) => {
        if (w === 0) return false
        const after = run([[name, weight.with(i, 1e6 * w)]])
        return after.some((logit, j) => logit !== before[j])
      }).length
      // A batch normalization that nothing uses has no place on a path, and a parameter that no output
      // depends on has no count.
      expect([seed, name, found.effective.get(name) ?? 0]).toEqual([seed, name, effective])
      if (effective < weight.filter((w) => w !== 0).length) someCutOff++
    }
    if (depends.includes(false)) someDead++
  }
  expect(someDead).toBeGreaterThan(breadth(3, 10))
  expect(someCutOff).toBeGreaterThan(breadth(30, 100))
}, 60_000)

const whole = [
  'lenet-300-100',
  'lenet-5',
  'cnn500k',
  'resnet20',
  'resnet20-a',
  'vgg11',
  'wrn-28',
  'densenet-40',
  'mobilenet-v1',
  'vit-tiny',
]
it.each(rows(whole, (name) => !['cnn500k', 'vgg11', 'wrn-28'].includes(name)))(
  '%s: all of an unpruned network lies on paths',
  (name) => {
    const tensors = prunableTensors(findModel(name))
    const masks = new Map(tensors.map((tensor) => [tensor.name, new Uint8Array(sizeOf(tensor.shape)).fill(1)]))
    const { effective, outputs } = reachOf(findModel(name), masks)
    expect(Object.fromEntries(effective)).toEqual(
      Object.fromEntries([...masks].map(([key, { length }]) => [key, length])),
    )
    expect(outputs).toEqual(new Array(models[name].classes).fill(true))
  },
  60_000,
)

it('a residual network lives on through its shortcuts where a plain one is cut', () => {
  const cut = (name: string, layer: string) => {
    const tensors = prunableTensors(findModel(name))
    const masks = new Map(
      tensors.map((tensor) => [tensor.name, new Uint8Array(sizeOf(tensor.shape)).fill(tensor.name === layer ? 0 : 1)]),
    )
    return reachOf(findModel(name), masks)
  }
  const residual = cut('resnet20', 'layer2.1.conv1.weight')
  expect(residual.outputs).not.toContain(false)
  expect(residual.effective.get('layer2.1.conv2.weight')).toBe(0)
  expect(residual.effective.get('layer2.2.conv1.weight')).toBe(32 * 32 * 9)
  const plain = cut('vgg11', 'conv4.weight')
  expect(plain.outputs).not.toContain(true)
  expect([...plain.effective.values()].every((n) => n === 0)).toBe(true)
})
