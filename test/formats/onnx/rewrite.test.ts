import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  TensorProto_DataLocation as Location,
  ModelProtoSchema,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
} from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { writeNetwork } from '../../../src/formats/network-file.ts'
import { toHalf } from '../../../src/formats/onnx/half.ts'
import { withNetwork } from '../../../src/formats/onnx/network-weights.ts'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { withTensors } from '../../../src/formats/onnx/rewrite.ts'
import { storeFloats, toFloats } from '../../../src/formats/safetensors-bytes.ts'
import { readWeights } from '../../../src/formats/weights-file.ts'
import { UserError } from '../../../src/util/errors.ts'
import { temporaryFolder } from '../../cli/temporary.ts'
import { written } from './build.ts'

const values = [1, -2, 0.5, 0, 4, -0.25, 8, 3, -1, 2, 6, 0.125]
/** x [N, 4] times w [4, 3]: stored as [inputs, outputs]. */
const bytes = () =>
  written({ input: [-1, 4], stored: { w: { shape: [4, 3], values } }, steps: [{ op: 'MatMul', inputs: ['x', 'w'] }] })
const parse = (of: Uint8Array) => fromBinary(ModelProtoSchema, of)
const changedModel = (change: (tensor: TensorProto, model: ReturnType<typeof parse>) => void) => {
  const model = parse(bytes())
  change(model.graph!.initializer[0], model)
  return toBinary(ModelProtoSchema, model)
}

/** How w may be stored: its floats, all of them exact in half precision, in each way. */
const stored: Record<string, Uint8Array> = {
  'raw float32': bytes(),
  'a list of float32': changedModel((w) => {
    w.rawData = new Uint8Array(0)
    w.floatData = values
  }),
  'raw float64': changedModel((w) => {
    w.dataType = DataType.DOUBLE
    w.rawData = new Uint8Array(Float64Array.from(values).buffer)
  }),
  'raw halves': changedModel((w) => {
    w.dataType = DataType.FLOAT16
    w.rawData = new Uint8Array(Uint16Array.from(values, toHalf).buffer)
  }),
  'a list of halves': changedModel((w) => {
    w.dataType = DataType.FLOAT16
    w.rawData = new Uint8Array(0)
    w.int32Data = values.map(toHalf)
  }),
  'raw bfloat16': changedModel((w) => {
    w.dataType = DataType.BFLOAT16
    w.rawData = new Uint8Array(
      Uint16Array.from(new Uint32Array(Float32Array.from(values).buffer), (x) => x >>> 16).buffer,
    )
  }),
  'the output of a Constant': changedModel((w, { graph }) => {
    const attribute = { name: 'value', type: AttributeType.TENSOR, t: w }
    graph!.node.unshift(create(NodeProtoSchema, { opType: 'Constant', output: ['w'], attribute: [attribute] }))
    graph!.initializer = []
  }),
}

describe('a stored tensor', () => {
  it.each(Object.entries(stored))('%s: is read, given other values, and read again', (_way, model) => {
    const before = readOnnx(model, 'model.onnx')
    // [outputs, inputs] here.
    expect(before.tensors.get('w')!.shape).toEqual([3, 4])
    expect([...toFloats(before.tensors.get('w')!)]).toEqual([1, 0, 8, 2, -2, 4, 3, 6, 0.5, -0.25, -1, 0.125])
    if (before.onnx.network instanceof Error) throw before.onnx.network
    const others = Float32Array.from({ length: 12 }, (_, i) => i / 8)
    const changed = new Map([['w', storeFloats(others, [3, 4])]])
    const rewritten = withNetwork(before.onnx.file, before.onnx.network, changed)
    const after = readOnnx(toBinary(ModelProtoSchema, rewritten), 'model.onnx')
    expect([...toFloats(after.tensors.get('w')!)]).toEqual([...others])
    const type = (of: Uint8Array) => readOnnx(of, 'm.onnx').onnx.file.stored.get('w')!().dtype
    expect(type(toBinary(ModelProtoSchema, rewritten))).toBe(type(model))
  })

  it.each([{ length: '48' }, {}, { length: '0' }])(
    'in a file beside the model (%o) is read, and moves into the model that is written',
    async (length) => {
      const folder = temporaryFolder()
      mkdirSync(join(folder, 'data'))
      writeFileSync(
        join(folder, 'data', 'w.bin'),
        Buffer.concat([Buffer.alloc(16), Buffer.from(Float32Array.from(values).buffer)]),
      )
      const model = changedModel((w) => {
        w.rawData = new Uint8Array(0)
        w.dataLocation = Location.EXTERNAL
        w.externalData = Object.entries({ location: 'data/w.bin', offset: '16', ...length }).map(([key, value]) =>
          create(StringStringEntryProtoSchema, { key, value }),
        )
      })
      const [path, out] = [join(folder, 'model.onnx'), join(temporaryFolder(), 'out.onnx')]
      writeFileSync(path, model)
      const weights = await readWeights(path)
      expect([...toFloats(weights.tensors.get('w')!)].slice(0, 4)).toEqual([1, 0, 8, 2])
      await writeNetwork(out, { weights, onnx: weights.onnx })
      expect((await readWeights(out)).tensors).toEqual(weights.tensors)
      writeFileSync(join(folder, 'data', 'w.bin'), Buffer.alloc(40))
      await expect(readWeights(path)).rejects.toThrow(UserError)
      await expect(readWeights(path)).rejects.toThrow('data/w.bin has 40 bytes, expected 48 at 16')
    },
  )
})

it('what the schema does not know goes along', () => {
  // Field 999 of the model, of its graph and of its tensor: a string.
  const unknown = { no: 999, wireType: 2, data: Uint8Array.of(3, 97, 98, 99) }
  const model = changedModel((w, all) => {
    w.$unknown = [unknown]
    all.$unknown = [unknown]
    all.graph!.$unknown = [unknown]
    all.graph!.node[0].docString = 'from elsewhere'
  })
  const { onnx } = readOnnx(model, 'model.onnx')
  const after = parse(toBinary(ModelProtoSchema, withTensors(onnx.file, new Map(), { added: '1' })))
  const [tensor] = after.graph!.initializer
  for (const message of [after, after.graph!, tensor]) expect(message.$unknown).toMatchObject([{ no: 999 }])
  expect(after.graph!.node[0].docString).toBe('from elsewhere')
  expect(after.metadataProps).toMatchObject([{ key: 'added', value: '1' }])
})

it('every half is the nearest half of itself, and what lies between goes to the nearer, the even one of two', () => {
  const value = (bits: number) => toFloats({ dtype: 'F16', shape: [1], data: Uint8Array.of(bits & 255, bits >> 8) })[0]
  const wrong: number[] = []
  for (let bits = 0; bits < 0x7c00; bits++) {
    const exact = toHalf(value(bits)) === bits && toHalf(-value(bits)) === (bits | 0x8000)
    const middle = (value(bits) + value(bits + 1)) / 2
    const even = toHalf(middle) === (bits % 2 === 0 ? bits : bits + 1) && toHalf(middle * (1 - 2 ** -20)) === bits
    if (!exact || (bits < 0x7bff && !even)) wrong.push(bits)
  }
  expect(wrong).toEqual([])
  expect([65519, 65520, 1e9, Number.POSITIVE_INFINITY].map(toHalf)).toEqual([0x7bff, 0x7c00, 0x7c00, 0x7c00])
  expect(toHalf(Number.NaN) & 0x7fff).toBeGreaterThan(0x7c00)
})
