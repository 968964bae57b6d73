/**
 * @file Gradients of single samples, their factors and the sums of their squares, where a layer has several
 * positions of each sample or looks rows up: against the ordinary gradients of one sample at a time.
 */
import { describe, expect, it } from 'vitest'
import type { Machine } from '../../src/engine/machine.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { exportNetwork, inferenceGraph, onnxBytes } from '../../src/formats/onnx/export.ts'
import { parseOnnx } from '../../src/formats/onnx/file.ts'
import { readOnnx } from '../../src/formats/onnx/onnx.ts'
import { wholeNetwork } from '../../src/formats/onnx/whole-network.ts'
import { differentiate } from '../../src/graph/differentiate.ts'
import { Graph } from '../../src/graph/graph.ts'
import { gather } from '../../src/graph/operators/gather.ts'
import { sampleCrossEntropy } from '../../src/graph/operators/loss.ts'
import { reduceSum, reshape, transpose } from '../../src/graph/operators/shape.ts'
import { perSampleFactors, perSampleGradients, perSampleSquares } from '../../src/graph/per-sample.ts'
import { sizeOf, type Tensor } from '../../src/graph/tensor.ts'
import { findModel } from '../../src/models/index.ts'
import { type Model, modelOf } from '../../src/models/model.ts'
import { textEncoder } from '../../src/models/text-encoder.ts'
import { visionTransformer } from '../../src/models/vision-transformer.ts'
import { lacksSampleGradients } from '../../src/train/sample-gradients.ts'
import { random } from '../../src/util/random.ts'
import { written } from '../formats/onnx/build.ts'
import { normal } from '../formats/onnx/same.ts'
import { best } from '../support/engines.ts'
import { evaluate } from '../support/evaluate.ts'

const SAMPLES = 3

interface Case {
  machine: Machine
  /** The largest error, by the largest gradient of a tensor. */
  tolerance: number
  /** The logits of a batch. */
  build(batch: number): { graph: Graph; logits: Tensor }
  /** Values of the input of all samples. */
  input: readonly number[]
  /** Of the parameters; default: all. */
  of?: RegExp
}

/** Texts as two rows of bytes. Words occur twice in a text and in several of them, the last word is none. */
function texts(tokens: number, vocabulary: number): number[] {
  const draw = random(4, 'texts')
  return Array.from({ length: SAMPLES }, () => {
    const words = Array.from({ length: tokens }, (_, t) => (t < tokens - 1 ? 1 + draw.below(vocabulary - 1) : 0))
    words[1] = words[2] = 7
    return [...words.map((word) => word & 255), ...words.map((word) => word >> 8)]
  }).flat()
}

function ofModel(model: Model, machine: Machine, input: readonly number[], of?: RegExp): Case {
  const build = (batch: number) => {
    const graph = new Graph()
    return { graph, logits: model.build(graph, graph.input('images', [batch, ...model.image]), false) }
  }
  return { machine, tolerance: machine === best ? 3e-4 : 1e-9, build, input, of }
}

const images = ({ image }: Model) => normal([SAMPLES, ...image], 'images')

const tinyTexts = modelOf(
  textEncoder('tiny', 'for tests', { vocabulary: 300, tokens: 5, heads: 2, head: 3, depth: 1, ratio: 2 }),
  { classes: 3 },
)
const tinyImages = modelOf(
  visionTransformer('tiny', 'for tests', { side: 6, patch: 2, heads: 2, head: 3, depth: 1, ratio: 2 }),
  { classes: 3 },
)
const bertMini = findModel('bert-mini', { widen: 1 / 8 })
const vitTiny = findModel('vit-tiny', { widen: 1 / 16 })

/** A perceptron on [N, 4 tokens, 5 channels] as ONNX files have it, and the sum over the tokens. */
function onnxPerceptron(batch: number) {
  const bytes = written({
    input: [-1, 4, 5],
    stored: {
      fc1: { shape: [5, 7], values: normal([5, 7], 'fc1') },
      fc2: { shape: [7, 2], values: normal([7, 2], 'fc2') },
      axis: { shape: [1], values: [1], whole: true },
    },
    steps: [
      { op: 'MatMul', inputs: ['x', 'fc1'], output: 'a' },
      { op: 'Gelu', inputs: ['a'], output: 'b' },
      { op: 'MatMul', inputs: ['b', 'fc2'], output: 'c' },
      { op: 'ReduceSum', inputs: ['c', 'axis'], attributes: { keepdims: 0 } },
    ],
    opset: 20,
  })
  const { graph } = wholeNetwork(parseOnnx(bytes, 'model.onnx'), {}, batch)
  const logits = graph.outputs.get('y')!
  graph.outputs.clear()
  return { graph, logits }
}

/** The same network, written as an ONNX file and read again. */
function asRead(model: Model): Model {
  const stored = inferenceGraph(model).stored()
  const shapes = new Map(stored.map(({ name, shape }) => [name, shape]))
  const values = (name: string) => normal(shapes.get(name)!, name)
  const { network } = readOnnx(onnxBytes(exportNetwork({ model, values })), 'model.onnx').onnx
  if (network instanceof Error) throw network
  return network.model
}

const cases: Record<string, Case> = {
  'an encoder of texts': ofModel(tinyTexts, openReference(), texts(5, 300)),
  'an encoder of texts of an ONNX file': ofModel(asRead(tinyTexts), openReference(), texts(5, 300)),
  'a vision transformer': ofModel(tinyImages, openReference(), images(tinyImages)),
  'bert-mini': ofModel(bertMini, best, texts(64, 4096)),
  'vit-tiny': ofModel(vitTiny, best, images(vitTiny), /embed|blocks\.[05]|head/),
  'a perceptron on [N, T, C] of an ONNX file': {
    machine: openReference(),
    tolerance: 1e-9,
    build: onnxPerceptron,
    input: normal([SAMPLES, 4, 5], 'tokens'),
  },
}

describe.each(Object.entries(cases))('%s', (_name, { machine, tolerance, build, input, of = /./ }) => {
  const labels = [1, 0, 1]

  function forward(batch: number) {
    const { graph, logits } = build(batch)
    const losses = sampleCrossEntropy(graph, logits, graph.input('class of each', [batch]))
    return { graph, losses, wrt: graph.withRole('parameter').filter(({ name }) => of.test(name)) }
  }

  const { graph: whole } = forward(SAMPLES)
  const [source] = whole.withRole('input')
  const weights = new Map(
    whole.withRole('parameter').map(({ name, shape, initial }) => {
      const draw = random(3, name)
      // Attention that looks at some tokens more than at others.
      const spread = shape.length > 1 ? 1 / Math.sqrt(sizeOf(shape.slice(1))) : 0.3
      return [name, Array.from({ length: sizeOf(shape) }, () => Number(initial === 1) + spread * draw.normal())]
    }),
  )
  const run = (graph: Graph, first: number, count: number) => {
    const size = input.length / SAMPLES
    const given = new Map([...weights, [source.name, input.slice(first * size, (first + count) * size)]])
    return evaluate(machine, graph, given.set('class of each', labels.slice(first, first + count)))
  }

  /** By sample, then by tensor. */
  const one = forward(1)
  const { graph, gradients } = differentiate(one.graph, reduceSum(one.graph, one.losses, [0], 0), one.wrt)
  for (const [i, { name }] of one.wrt.entries()) graph.output(name, gradients[i])
  const alone = labels.map((_, n) => run(graph, n, 1))

  function expectClose(name: string, found: ArrayLike<number>, expected: readonly number[]) {
    expect(found).toHaveLength(expected.length)
    const most = expected.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
    const error = expected.reduce((a, b, i) => Math.max(a, Math.abs(found[i] - b)), 0)
    expect(most, name).toBeGreaterThan(0)
    expect(error / most, name).toBeLessThan(tolerance)
  }

  it('gradients by sample', () => {
    const { graph, losses, wrt } = forward(SAMPLES)
    const apart = perSampleGradients(graph, losses, wrt)
    for (const [i, { name }] of wrt.entries()) apart.graph.output(name, apart.results[i])
    for (const [name, found] of run(apart.graph, 0, SAMPLES))
      expectClose(
        name,
        found,
        alone.flatMap((each) => [...each.get(name)!]),
      )
  })

  it('squares, and the sums beside them', () => {
    const { graph, losses, wrt } = forward(SAMPLES)
    const squared = perSampleSquares(graph, losses, wrt)
    for (const [i, { name }] of wrt.entries()) {
      squared.graph.output(`${name}/squares`, squared.results[i])
      squared.graph.output(`${name}/sum`, squared.sums[i])
    }
    const found = run(squared.graph, 0, SAMPLES)
    for (const { name } of wrt) {
      const each = alone.map((gradients) => gradients.get(name)!)
      const over = (term: (g: number) => number) =>
        Array.from(each[0], (_, i) => each.reduce((sum, gradient) => sum + term(gradient[i]), 0))
      const squares = over((g) => g * g)
      expectClose(name, found.get(`${name}/squares`)!, squares)
      expectClose(
        name,
        found.get(`${name}/sum`)!,
        over((g) => g),
      )
      // The square of the sum is something else.
      expect(squares, name).not.toEqual(over((g) => g).map((g) => g * g))
    }
  })

  it('factors are those of layers with one position of each sample alone', () => {
    const { graph, losses, wrt } = forward(SAMPLES)
    const { graph: factored, results } = perSampleFactors(graph, losses, wrt)
    const rankOne = wrt.filter((_, i) => 'left' in results[i]).map(({ name }) => name)
    expect(rankOne).toEqual(wrt.map(({ name }) => name).filter((name) => name === 'head.weight'))
    for (const [i, { name }] of wrt.entries())
      for (const [what, tensor] of Object.entries(results[i])) factored.output(`${name}/${what}`, tensor)
    const found = run(factored, 0, SAMPLES)
    for (const { name, shape } of wrt) {
      const [p, q] = shape
      const [left, right] = ['left', 'right'].map((what) => found.get(`${name}/${what}`))
      const product = (n: number) =>
        Array.from({ length: p * q }, (_, i) => left![n * p + Math.floor(i / q)] * right![n * q + (i % q)])
      const values = found.get(`${name}/values`) ?? labels.flatMap((_, n) => product(n))
      expectClose(
        name,
        values,
        alone.flatMap((each) => [...each.get(name)!]),
      )
    }
  })
})

it('are known of networks that look words up', () => {
  expect(lacksSampleGradients(findModel('bert-mini'))).toBeUndefined()
})

it('are not known where rows are not looked up sample by sample', () => {
  const graph = new Graph()
  const table = graph.parameter('table', [4, 2], { in: 4, out: 2 })
  const index = reshape(graph, graph.input('index', [3, 2]), [3, 2], false)
  // The first words of all three samples, then the second ones.
  const rows = gather(graph, table, reshape(graph, transpose(graph, index, [1, 0]), [6], false), 0)
  const bySample = transpose(graph, reshape(graph, rows, [2, 3, 2], false), [1, 0, 2])
  const losses = reduceSum(graph, reshape(graph, bySample, [3, 4], true), [1], 0)
  expect(() => perSampleGradients(graph, losses, [table])).toThrow('per-sample gradients through Scatter')
})
