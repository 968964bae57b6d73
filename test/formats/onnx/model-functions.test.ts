import { describe, expect, it } from 'vitest'
import { withNetwork } from '../../../src/formats/onnx/network-weights.ts'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { placesOf } from '../../../src/formats/onnx/places.ts'
import { storeFloats, toFloats } from '../../../src/formats/safetensors-bytes.ts'
import { prunableParameters } from '../../../src/graph/graph.ts'
import { graphOf } from '../../../src/models/model.ts'
import { type ModelText, mixed, modelBytes, type Stored } from './models.ts'
import { expectOutputs, here } from './outputs.ts'

const matrix = (rows: number, columns: number, seed = 1): Stored => ({
  shape: [rows, columns],
  values: mixed(rows * columns, seed),
})

/** A layer that is called with its weight, and one that stores it. */
const model: ModelText = {
  inputs: { x: ['N', 5] },
  stored: { u: matrix(5, 4, 1), v: matrix(4, 4, 2), b: matrix(1, 4, 3) },
  functions: [
    {
      name: 'layer',
      inputs: ['in', 'weight', 'bias'],
      outputs: ['out'],
      attributes: ['axes'],
      steps: [
        { op: 'Constant', in: [], out: 'k', with: { value_ints: { ref: 'axes' } } },
        { op: 'MatMul', in: ['in', 'weight'], out: 'p' },
        { op: 'Add', in: ['p', 'bias'], out: 's' },
        { op: 'ReduceSum', in: ['s', 'k'], out: 'r', with: { keepdims: 1 } },
        { op: 'Sub', in: ['s', 'r'], out: 'out' },
      ],
    },
    {
      name: 'twice',
      inputs: ['in'],
      outputs: ['out', 'unused'],
      steps: [
        { op: 'Constant', in: [], out: 'w', with: { value: { tensor: matrix(4, 4, 5) } } },
        { op: 'MatMul', in: ['in', 'w'], out: 'p' },
        { op: 'Relu', in: ['p'], out: 'q' },
        { op: 'MatMul', in: ['q', 'w'], out: 'out' },
        { op: 'Bernoulli', in: ['q'], out: 'unused' },
      ],
    },
  ],
  steps: [
    { op: 'layer', domain: 'local', in: ['x', 'u', 'b'], out: 'h', with: { axes: [1] } },
    { op: 'layer', domain: 'local', in: ['h', 'v', 'b'], out: 'i', with: { axes: [-1] } },
    { op: 'twice', domain: 'local', in: ['i'], out: ['y', ''] },
  ],
  outputs: ['y'],
}

describe("a model's own functions", () => {
  it('run where they are called, with the attributes of the call', () => expectOutputs(modelBytes(model), {}, 3))

  it('give weights to the network, each with its place in the file', () => {
    const { onnx } = readOnnx(modelBytes(model), 'm.onnx')
    if (onnx.network instanceof Error) throw onnx.network
    const { network } = onnx
    const weights = prunableParameters(graphOf(network.model)).map(({ name }) => name)
    expect(weights).toEqual(['u', 'v', 'local.twice/w'])

    const tensors = new Map(
      [...network.tensors].map(([name, tensor]) => {
        const values = toFloats(tensor).map((value, i) => (weights.includes(name) && i % 2 === 0 ? 0 : value))
        return [name, weights.includes(name) ? storeFloats(values, tensor.shape) : tensor] as const
      }),
    )
    const written = withNetwork(onnx.file, network, tensors)
    const places = new Map(placesOf(written).map((place) => [place.key, place.tensor]))
    for (const name of weights) {
      const tensor = places.get(name)!
      if (tensor.$typeName !== 'onnx.TensorProto') throw new Error('expected a dense tensor')
      const [rows, columns] = tensor.dims.map(Number)
      const values = new Float32Array(tensor.rawData.slice().buffer)
      // Stored as [inputs, outputs], where the network has [outputs, inputs].
      const place = (i: number) => (i % columns) * rows + Math.floor(i / columns)
      expect(Array.from(values, (value) => value === 0)).toEqual(Array.from(values, (_, i) => place(i) % 2 === 0))
    }
  })

  it('leave out what a call leaves out', () =>
    expectOutputs(
      modelBytes({
        inputs: { x: ['N', 5] },
        stored: { u: matrix(3, 5, 1), low: { shape: [], values: [-0.5] } },
        functions: [
          {
            name: 'limited',
            inputs: ['in', 'low', 'high'],
            outputs: ['out'],
            steps: [{ op: 'Clip', in: ['in', 'low', 'high'], out: 'out' }],
          },
        ],
        steps: [
          { op: 'limited', domain: 'local', in: ['x', 'low'], out: 'h' },
          { op: 'Gemm', in: ['h', 'u'], out: 'y', with: { transB: 1 } },
        ],
        outputs: ['y'],
      }),
      {},
      2,
    ))

  it('refuse what they do not declare, and to call themselves', () => {
    const [first] = model.steps
    const other = { ...model, steps: [{ ...first, with: { axes: [1], alpha: 3 } }], outputs: ['h'] }
    expect(() => here(modelBytes(other))).toThrow('m.onnx: node h (local.layer): its function has no attribute alpha')
    const circle: ModelText = {
      functions: [
        { name: 'f', inputs: ['a'], outputs: ['c'], steps: [{ op: 'f', domain: 'local', in: ['a'], out: 'c' }] },
      ],
      steps: [{ op: 'f', domain: 'local', in: ['x'], out: 'y' }],
      inputs: { x: ['N', 5] },
      outputs: ['y'],
    }
    expect(() => here(modelBytes(circle))).toThrow('m.onnx is not a valid ONNX model: its function f calls itself')
  })
})
