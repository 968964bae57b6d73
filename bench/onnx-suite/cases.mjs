/**
 * @file The ONNX project's backend node tests: folders that hold a model and, for each set of data, its
 * inputs and its expected outputs.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { TensorProto_DataType as DataType, ModelProtoSchema, TensorProtoSchema } from 'onnx-buf'
import { dtypes, numbersOf, readTensor } from '../../dist/formats/onnx/tensor.js'

/** The Debian package that holds them. */
const PACKAGE = 'libonnx-testdata'

/** Where the tests are: `ONNX_SUITE`, else where Debian's package has put them. */
export function suiteFolder() {
  if (process.env.ONNX_SUITE) return process.env.ONNX_SUITE
  try {
    const listed = execFileSync('dpkg', ['-L', PACKAGE], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return listed.split('\n').find((line) => line.endsWith('/data') && existsSync(join(line, 'node')))
  } catch {
    return undefined
  }
}

/**
 * @typedef {{ name: string, shape: number[], type: string, values?: ArrayLike<number>, tensor?: object }}
 * Item A tensor of a test. `values` is absent where its type is not read here; `type` says which it is.
 * @typedef {{ name: string, suite: string, proto: object, inputs: Item[], outputs: Item[] }} Case
 */

/**
 * All tests of a folder, in order of their names; those without a model are left out.
 * @returns {Generator<Case>}
 */
export function* casesOf(folder) {
  for (const suite of readdirSync(folder).sort())
    for (const name of readdirSync(join(folder, suite)).sort()) {
      const path = join(folder, suite, name)
      if (!existsSync(join(path, 'model.onnx'))) continue
      const proto = fromBinary(ModelProtoSchema, readFileSync(join(path, 'model.onnx')))
      const sets = readdirSync(path).filter((set) => set.startsWith('test_data_set_'))
      for (const set of sets) yield { name, suite, proto, ...dataOf(join(path, set), proto.graph) }
    }
}

/** Inputs and expected outputs of a set, in the order of the graph's. */
function dataOf(folder, { input, output, initializer }) {
  const stored = new Set(initializer.map(({ name }) => name))
  const read = (infos, kind) =>
    infos.flatMap((info, i) => {
      const file = join(folder, `${kind}_${i}.pb`)
      return existsSync(file) ? [itemOf(info, readFileSync(file))] : []
    })
  const free = input.filter(({ name }) => !stored.has(name))
  return { inputs: read(free, 'input'), outputs: read(output, 'output') }
}

function itemOf({ name, type }, bytes) {
  if (type?.value.case !== 'tensorType') return { name, shape: [], type: `a ${kindOf(type)}` }
  const tensor = fromBinary(TensorProtoSchema, bytes)
  // NumPy has no bfloat16: the suite stores the bits.
  if (type.value.value.elemType === DataType.BFLOAT16 && tensor.dataType === DataType.UINT16)
    tensor.dataType = DataType.BFLOAT16
  const shape = tensor.dims.map(Number)
  const known = dtypes[tensor.dataType]
  if (!known) return { name, shape, type: `of the type ${DataType[tensor.dataType]}` }
  const values = numbersOf(readTensor(tensor, name, noFile))
  return { name, shape, values, type: known, tensor }
}

const kindOf = (type) => (type?.value.case ?? 'value without a type').replace('Type', '')

function noFile(location) {
  throw new Error(`its values lie in ${location}`)
}
