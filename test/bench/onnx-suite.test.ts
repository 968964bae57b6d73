/** @file The runner of ONNX's backend tests tells right, refused and wrong apart in a suite made here. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { TensorProto_DataType as DataType, ModelProtoSchema, type NodeProtoSchema, TensorProtoSchema } from 'onnx-buf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compiled, root } from '../cli/cli.ts'
import { tensor } from '../formats/onnx/build.ts'
import { breadth } from '../support/breadth.ts'

interface Values {
  shape: readonly number[]
  values: readonly number[]
  type?: DataType
}

interface Test {
  nodes: readonly MessageInitShape<typeof NodeProtoSchema>[]
  inputs: Readonly<Record<string, Values>>
  outputs: Readonly<Record<string, Values>>
}

const folder = mkdtempSync(join(tmpdir(), 'espalier-suite-'))
afterAll(() => rmSync(folder, { recursive: true }))

function write(name: string, { nodes, inputs, outputs }: Test): void {
  const info = ([name, { shape, type = DataType.FLOAT }]: [string, Values]) => {
    const dim = shape.map((n) => ({ value: { case: 'dimValue' as const, value: BigInt(n) } }))
    return { name, type: { value: { case: 'tensorType' as const, value: { elemType: type, shape: { dim } } } } }
  }
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: '', version: 17n }],
    graph: {
      name: 'graph',
      node: [...nodes],
      input: Object.entries(inputs).map(info),
      output: Object.entries(outputs).map(info),
    },
  })
  const data = join(folder, 'node', name, 'test_data_set_0')
  mkdirSync(data, { recursive: true })
  writeFileSync(join(folder, 'node', name, 'model.onnx'), toBinary(ModelProtoSchema, model))
  for (const [kind, items] of Object.entries({ input: inputs, output: outputs }))
    Object.entries(items).forEach(([item, { shape, values, type }], i) => {
      const proto = create(TensorProtoSchema, tensor(item, shape, values, false, type))
      writeFileSync(join(data, `${kind}_${i}.pb`), toBinary(TensorProtoSchema, proto))
    })
}

const relu = { opType: 'Relu', input: ['x'], output: ['y'] }
const x = { shape: [3, 2], values: [1.5, -2, 0.25, 7, -1e-3, 1000] }
const y = { shape: [3, 2], values: [1.5, 0, 0.25, 7, 0, 1000] }
const changed = (at: number, value: number) => ({ ...y, values: y.values.with(at, value) })
const whole = (shape: readonly number[], ...values: number[]) => ({ shape, values, type: DataType.INT64 })

const tests: Record<string, Test> = {
  test_relu: { nodes: [relu], inputs: { x }, outputs: { y } },
  test_relu_expanded_ver14: {
    nodes: [
      { opType: 'Neg', input: ['x'], output: ['n'] },
      { opType: 'Relu', input: ['n'], output: ['m'] },
      { opType: 'Add', input: ['x', 'm'], output: ['y'] },
    ],
    inputs: { x },
    outputs: { y },
  },
  test_relu_near: { nodes: [relu], inputs: { x }, outputs: { y: changed(5, 1000.9) } },
  test_relu_far: { nodes: [relu], inputs: { x }, outputs: { y: changed(3, 7.03125) } },
  test_relu_no_number: { nodes: [relu], inputs: { x }, outputs: { y: changed(0, Number.NaN) } },
  test_relu_turned: { nodes: [relu], inputs: { x }, outputs: { y: { ...y, shape: [2, 3] } } },
  test_relu_second: {
    nodes: [relu, { opType: 'Neg', input: ['x'], output: ['z'] }],
    inputs: { x },
    outputs: { y, z: { ...x, values: x.values.map((value) => (value === 7 ? -7.125 : -value)) } },
  },
  test_reshape: {
    nodes: [{ opType: 'Reshape', input: ['x', 's'], output: ['r'] }],
    inputs: { x, s: whole([2], 2, 3) },
    outputs: { r: { ...x, shape: [2, 3] } },
  },
  test_shape: {
    nodes: [{ opType: 'Shape', input: ['x'], output: ['s'] }],
    inputs: { x: { shape: [4000], values: Array(4000).fill(1) } },
    outputs: { s: whole([1], 4001) },
  },
  test_unknown: { nodes: [{ ...relu, opType: 'Unheard' }], inputs: { x }, outputs: { y } },
  test_unknown_beside: {
    nodes: [relu, { opType: 'Unheard', input: ['x'], output: ['z'] }],
    inputs: { x },
    outputs: { y, z: y },
  },
}

interface Result {
  key: string
  operator: string
  verdict: string
  form?: string
  reason?: string
}
let results: Map<string, Result>

beforeAll(async () => {
  await compiled()
  for (const [name, test] of Object.entries(tests)) write(name, test)
  const code = `
    import { suiteResults } from './bench/onnx-suite.mjs'
    console.log(JSON.stringify(await suiteResults(${JSON.stringify(folder)})))
    process.exit(0)`
  const args = ['--input-type=module', '-e', code]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root })
  const list = JSON.parse(stdout) as Result[]
  results = new Map(list.map((result) => [result.key.replace('node/', ''), result]))
}, 180_000)

it('what is computed as expected agrees, within what the suite allows', () => {
  expect(results.get('test_relu')).toMatchObject({ verdict: 'agree', form: 'as it is' })
  expect(results.get('test_relu_near')).toMatchObject({ verdict: 'agree', form: 'as it is' })
})

it('another value, shape, number that is none, second output or whole number is wrong', () => {
  expect(results.get('test_relu_far')).toMatchObject({ verdict: 'wrong', reason: 'y[3] is 7, expected 7.03125' })
  expect(results.get('test_relu_no_number')).toMatchObject({ verdict: 'wrong', reason: 'y[0] is 1.5, expected NaN' })
  const shapes = 'y has the shape [3,2], expected [2,3]'
  expect(results.get('test_relu_turned')).toMatchObject({ verdict: 'wrong', reason: shapes })
  expect(results.get('test_relu_second')).toMatchObject({ verdict: 'wrong', reason: 'z[3] is -7, expected -7.125' })
  expect(results.get('test_shape')).toMatchObject({ verdict: 'wrong', reason: 's[0] is 4000, expected 4001' })
})

it('operands that have to be known are stored, and it is said', () => {
  expect(results.get('test_reshape')).toMatchObject({ verdict: 'agree', form: 'one input' })
})

it('what does not run is refused with its reason, also where another output runs', () => {
  const reason = 'the operator Unheard does not run here'
  expect(results.get('test_unknown')).toMatchObject({ verdict: 'refused', reason })
  expect(results.get('test_unknown_beside')).toMatchObject({ verdict: 'refused', reason })
})

it('tests are told apart by operator, functions that are written out beside them', () => {
  expect(results.get('test_relu')!.operator).toBe('Relu')
  expect(results.get('test_relu_expanded_ver14')).toMatchObject({ operator: 'Relu, expanded', verdict: 'agree' })
  expect(results.get('test_relu_second')!.operator).toBe('several operators')
})

const hasSuite = spawnSync('dpkg', ['-s', 'libonnx-testdata']).status === 0

describe.skipIf(!hasSuite)('the tests of the ONNX project (skipped where libonnx-testdata is absent)', () => {
  // Every tenth of them, and all each night.
  it('none is wrong, and most agree', { timeout: 180_000 }, async () => {
    const code = `
      import { suiteFolder } from './bench/onnx-suite/cases.mjs'
      import { suiteResults } from './bench/onnx-suite.mjs'
      const results = await suiteResults(suiteFolder(), (_, i) => i % ${breadth(10, 1)} === 0)
      console.log(JSON.stringify(results.map(({ key, verdict }) => [key, verdict])))
      process.exit(0)`
    const options = { cwd: root, maxBuffer: 2 ** 26 }
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], options)
    const verdicts = JSON.parse(stdout.slice(stdout.lastIndexOf('\n[') + 1)) as [string, string][]
    expect(verdicts.filter(([, verdict]) => verdict === 'wrong')).toEqual([])
    expect(verdicts.filter(([, verdict]) => verdict === 'agree').length).toBeGreaterThan(0.75 * verdicts.length)
  })
})
