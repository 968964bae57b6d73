import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { TensorProto_DataType as DataType, ModelProtoSchema, StringStringEntryProtoSchema } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { exportNetwork, onnxBytes } from '../../../src/formats/onnx/export.ts'
import { isOnnx } from '../../../src/formats/onnx/file.ts'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { sparsely } from '../../../src/formats/onnx/store.ts'
import { findModel } from '../../../src/models/index.ts'
import { UserError } from '../../../src/util/errors.ts'
import { draws } from '../../support/breadth.ts'
import { written } from './build.ts'

/** A model with most of what a file can have. */
const cifarnet = findModel('cifarnet')
const proto = exportNetwork({ model: cifarnet, values: () => ({ length: 0 }) as ArrayLike<number> })
for (const tensor of proto.graph!.initializer) {
  const size = Number(tensor.dims.reduce((a, b) => a * b, 1n))
  tensor.rawData = new Uint8Array(Float32Array.from({ length: size }, (_, i) => (i % 5 ? 0 : 0.1)).buffer)
}
const models = {
  written: onnxBytes(proto),
  sparse: onnxBytes(sparsely(proto).model),
  shapes: written({
    input: [-1, 2, 4, 4],
    stored: {
      w: { shape: [3, 32], values: Array(96).fill(0.5) },
      zero: { shape: [], values: [0], whole: true },
      zeros: { shape: [1], values: [0], whole: true },
      rest: { shape: [1], values: [-1], whole: true },
    },
    steps: [
      { op: 'Shape', inputs: ['x'] },
      { op: 'Gather', inputs: ['v1', 'zero'] },
      { op: 'Unsqueeze', inputs: ['v2', 'zeros'] },
      { op: 'Concat', inputs: ['v3', 'rest'], attributes: { axis: 0 } },
      { op: 'Reshape', inputs: ['x', 'v4'] },
      { op: 'Gemm', inputs: ['v5', 'w'], attributes: { transB: 1 } },
    ],
  }),
}

/** Reads a file; what it says where it is refused. Anything but a UserError goes on. */
function refusal(bytes: Uint8Array): string | undefined {
  try {
    const { onnx } = readOnnx(bytes, 'model.onnx')
    return onnx.network instanceof UserError ? onnx.network.message : undefined
  } catch (error) {
    if (error instanceof UserError) return error.message
    throw error
  }
}

const reasons = (change: (model: ReturnType<typeof parse>) => void, bytes = models.shapes) => {
  const model = parse(bytes)
  change(model)
  return refusal(toBinary(ModelProtoSchema, model))
}
const parse = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes)

describe('an ONNX file that is not as it should be', () => {
  it.each([
    ['no graph', (m) => void (m.graph = undefined), 'it has no graph'],
    [
      'operators of the future',
      (m) => void (m.opsetImport[0].version = 99n),
      "version 99 of ONNX's operators, expected 1 to 25",
    ],
    [
      'an unknown operator',
      (m) => void (m.graph!.node[5].opType = 'Frobnicate'),
      'node y (Frobnicate): the operator Frobnicate does not run here',
    ],
    ['an operator of another domain', (m) => void (m.graph!.node[5].domain = 'com.acme'), '(com.acme.Gemm)'],
    [
      'a value that nothing computes',
      (m) => void (m.graph!.node[5].input[0] = 'ghost'),
      'reads ghost, which nothing before it computes',
    ],
    [
      'too few bytes',
      (m) => void (m.graph!.initializer[0].rawData = new Uint8Array(12)),
      'tensor w of shape [3,32] needs 384 bytes, found 12',
    ],
    [
      'an impossible shape',
      (m) => void (m.graph!.initializer[0].dims = [1n << 60n, 1n << 60n]),
      'has the impossible shape',
    ],
    [
      'a second input that is no tensor',
      (m) => void m.graph!.input.push({ ...m.graph!.input[0], name: 'x2', type: undefined }),
      'its input x2 is not a tensor',
    ],
    [
      'an attribute of another type',
      (m) => void (m.graph!.node[5].attribute[0].type = 3),
      'attribute transB has the type STRING, expected INT',
    ],
    ['a weight that does not fit', (m) => void (m.graph!.initializer[0].dims = [32n, 3n]), 'inner sizes differ'],
    [
      'strings as weights',
      (m) => void (m.graph!.initializer[0].dataType = DataType.STRING),
      'has the type STRING, expected floats or integers',
    ],
    ['no output', (m) => void (m.graph!.output = []), 'it has no output'],
  ] as [string, (model: ReturnType<typeof parse>) => void, string][])('%s: %s', (_what, change, expected) => {
    const message = reasons(change)
    expect(message).toContain(expected)
    expect(message).toMatch(/^model\.onnx/)
    expect(message).not.toContain('\n')
  })

  it.each(['../secret', '/etc/passwd', 'a/../../b'])('values in the file %s are not read', (location) => {
    const entry = create(StringStringEntryProtoSchema, { key: 'location', value: location })
    const model = parse(models.shapes)
    model.graph!.initializer[0].externalData = [entry]
    expect(() => readOnnx(toBinary(ModelProtoSchema, model), 'model.onnx')).toThrow(UserError)
  })

  it('whatever is changed in a file, it is read or refused in a sentence, soon', () => {
    let refused = 0
    const property = fc.property(
      fc.constantFrom(...(Object.keys(models) as (keyof typeof models)[])),
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 8 }),
      fc.option(fc.nat(), { freq: 5 }),
      // Most changes are made outside of the weights, which may be anything.
      fc.boolean(),
      (name, changes, cut, anywhere) => {
        const mutated = models[name].slice()
        for (const [at, value] of changes) {
          const within = anywhere ? mutated.length : Math.min(mutated.length, 3000)
          mutated[at % within] = value
          if (!anywhere) mutated[mutated.length - 1 - (at % Math.min(mutated.length, 400))] = value
        }
        const message = refusal(cut === null ? mutated : mutated.subarray(0, cut % mutated.length))
        if (message === undefined) return
        refused++
        // The command line makes one line of whatever names a file has.
        expect(message.replace(/\p{Cc}+/gu, ' ')).toMatch(/^.{10,900}$/u)
      },
    )
    const [runs, started] = [draws(4000), performance.now()]
    fc.assert(property, runs)
    expect(refused).toBeGreaterThan(runs.numRuns / 4)
    expect((performance.now() - started) / runs.numRuns).toBeLessThan(50)
  }, 120_000)

  it('is told from safetensors by its first bytes', () => {
    for (const bytes of Object.values(models)) expect(isOnnx(bytes)).toBe(true)
    expect(isOnnx(Uint8Array.of(8, 1, 0x12, 0, 0, 0, 0, 0, 123))).toBe(false)
    expect(isOnnx(new Uint8Array(0))).toBe(false)
  })
})
