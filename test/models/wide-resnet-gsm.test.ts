/** @file What tells the wide residual networks of GSM's code from those of DSR. */
import { expect, it } from 'vitest'
import { openReference } from '../../src/engine/machines/reference.ts'
import { Graph } from '../../src/graph/graph.ts'
import { sizeOf, type Tensor } from '../../src/graph/tensor.ts'
import { findModel } from '../../src/models/index.ts'
import { evaluate } from '../support/evaluate.ts'

/** Logits of one image of a value, where `set` says what the values of a tensor are: else zero. */
function logitsOf(set: (tensor: Tensor) => number, image: number, training = false) {
  const graph = new Graph()
  const model = findModel('wrn-16-gsm', { widen: 0.125, classes: 2 })
  graph.output('y', model.build(graph, graph.input('x', [1, 3, 8, 8]), training))
  const values = new Map([['x', new Array(3 * 64).fill(image)]])
  for (const tensor of [...graph.withRole('parameter'), ...graph.withRole('buffer')])
    values.set(tensor.name, new Array(sizeOf(tensor.shape)).fill(set(tensor)))
  return [...evaluate(openReference(), graph, values).get('y')!]
}

it('no ReLU follows the last batch normalization', () => {
  // All that comes before is zero; the last shift is -1, and of the 8 channels each weighs 2.
  const logits = logitsOf(({ name }) => ({ 'bn.bias': -1, 'fc.weight': 2 })[name] ?? (/var$/.test(name) ? 1 : 0), 1)
  expect(logits).toEqual([-16, -16])
})

it('a projection has a batch normalization of its own', () => {
  // Nothing goes through the blocks' first normalizations: the image comes through the projections alone.
  const through = (image: number, own: number) =>
    logitsOf(({ name }) => {
      if (/bn[12]\.weight$/.test(name)) return 0
      if (name.endsWith('shortcut.0.weight')) return own
      return /weight$|var$/.test(name) ? 1 : 0
    }, image)
  expect(through(1, 1)[0]).not.toBeCloseTo(through(2, 1)[0], 3)
  expect(through(1, 0)).toEqual(through(2, 0))
})
