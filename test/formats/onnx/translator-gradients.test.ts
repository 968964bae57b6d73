import { describe, expect, it } from 'vitest'
import { openReference } from '../../../src/engine/machines/reference.ts'
import { parseOnnx } from '../../../src/formats/onnx/file.ts'
import { wholeNetwork } from '../../../src/formats/onnx/whole-network.ts'
import { differentiate } from '../../../src/graph/differentiate.ts'
import { reduceSum } from '../../../src/graph/operators/shape.ts'
import { random } from '../../../src/util/random.ts'
import { evaluate } from '../../support/evaluate.ts'
import { expectGradients, weightedSum } from '../../support/finite-differences.ts'
import { type Step, type Stored, written } from './build.ts'
import { normal } from './same.ts'

const stored: Record<string, Stored> = {
  scale: { shape: [4], values: normal([4], 'scale') },
  bias: { shape: [4], values: normal([4], 'bias') },
  axis: { shape: [], values: [1], whole: true },
  third: { shape: [], values: [1 / 3] },
}

/** The graph of some steps on x [3, 5, 4], and its output. */
function graphOf(steps: readonly Step[], opset = 20) {
  const names = new Set(steps.flatMap(({ inputs }) => inputs))
  const read = Object.fromEntries(Object.entries(stored).filter(([name]) => names.has(name)))
  const bytes = written({ input: [-1, 5, 4], opset, stored: read, steps })
  const { graph } = wholeNetwork(parseOnnx(bytes, 'model.onnx'), {}, 3)
  return { graph, y: graph.outputs.get('y')! }
}

const one: Step[] = [
  ...['Softplus', 'Mish', 'Elu', 'Gelu', 'Softsign', 'LogSoftmax', 'Softmax', 'ReduceLogSumExp'].map((op) => ({
    op,
    inputs: ['x'],
  })),
  { op: 'LayerNormalization', inputs: ['x', 'scale', 'bias'] },
  { op: 'LpNormalization', inputs: ['x'] },
  { op: 'LRN', inputs: ['x'], attributes: { size: 3, alpha: { float: 0.5 } } },
  { op: 'CumSum', inputs: ['x', 'axis'], attributes: { reverse: 1 } },
  { op: 'ReduceL2', inputs: ['x'] },
  { op: 'PRelu', inputs: ['x', 'scale'] },
]

describe('gradients of translated operators, by finite differences', () => {
  it.each(one.map((step) => [step.op, step] as const))('%s', (_op, step) => {
    const { graph, y } = graphOf([step])
    expectGradients(graph, weightedSum(graph, [y], random(1, 'weights')))
  })

  it('rounding to quantized numbers passes gradients through, but not where it saturates', () => {
    const { graph: source, y } = graphOf([
      { op: 'QuantizeLinear', inputs: ['x', 'third'], output: 'q' },
      { op: 'DequantizeLinear', inputs: ['q', 'third'] },
    ])
    const loss = reduceSum(source, y, [0, 1, 2], 0)
    const [x] = source.withRole('input')
    const { graph, gradients } = differentiate(source, loss, [x])
    graph.output('gradient', gradients[0])
    const values = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? -5 : i % 3 === 1 ? 1.1 : 90))
    const got = Array.from(evaluate(openReference(), graph, new Map([[x.name, values]])).get('gradient')!)
    got.forEach((value, i) => {
      expect(value).toBeCloseTo(i % 3 === 1 ? 1 : 0, 6)
    })
  })
})
