import { expect, it } from 'vitest'
import { parseOnnx } from '../../../src/formats/onnx/file.ts'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { wholeNetwork } from '../../../src/formats/onnx/whole-network.ts'
import { prunableParameters } from '../../../src/graph/graph.ts'
import { graphOf } from '../../../src/models/model.ts'
import { type ModelText, mixed, modelBytes } from './models.ts'

const floats = (...shape: number[]) => ({
  shape,
  values: mixed(
    shape.reduce((a, b) => a * b, 1),
    shape[1],
  ),
})
const most = { shape: [1], values: [3], type: 'int64' } as const

/** Boxes and scores of six places, of which some are chosen; `h` is an output, too. */
const detector: ModelText = {
  inputs: { x: [1, 6, 5] },
  stored: { w: floats(5, 4), u: floats(5, 2), most },
  steps: [
    { op: 'MatMul', in: ['x', 'w'], out: 'boxes' },
    { op: 'MatMul', in: ['x', 'u'], out: 'h' },
    { op: 'Transpose', in: ['h'], out: 'scores', with: { perm: [0, 2, 1] } },
    { op: 'NonMaxSuppression', name: 'nms', in: ['boxes', 'scores', 'most'], out: 'chosen' },
    { op: 'Cast', in: ['chosen'], out: 'y', with: { to: 1 } },
  ],
  outputs: ['y', 'h', 'chosen:int64'],
}
const sentence =
  'm.onnx: node nms (NonMaxSuppression) chooses boxes, so that the network ends before it, with boxes and scores'

it('a detector ends before it chooses boxes', () => {
  const { onnx } = readOnnx(modelBytes(detector), 'm.onnx')
  if (onnx.network instanceof Error) throw onnx.network
  const { model } = onnx.network
  expect(model.outputs).toEqual([
    { name: 'boxes', shape: [6, 4] },
    { name: 'scores', shape: [2, 6] },
    { name: 'h', shape: [6, 2] },
  ])
  expect(model.summary).toBe(`ONNX model, 5 nodes; ${sentence}`)
  expect(prunableParameters(graphOf(model)).map(({ name }) => name)).toEqual(['w', 'u'])
})

it('all that it computes says which outputs are not reached', () => {
  const { graph, lacking } = wholeNetwork(parseOnnx(modelBytes(detector), 'm.onnx'), {}, 1)
  expect([...graph.outputs.keys()]).toEqual(['boxes', 'scores', 'h'])
  expect(lacking).toEqual(['y', 'chosen'].map((output) => ({ output, reason: sentence })))
})
