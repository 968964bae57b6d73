/**
 * @file The number of samples of a batch, fixed where a model leaves it open: some runtimes run nothing else.
 */
import {
  type TensorShapeProto_Dimension as Dimension,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf'
import { UserError } from '../../util/errors.ts'
import { changed } from './changed.ts'
import type { OnnxFile } from './file.ts'

/** The model for batches of so many samples. Throws UserError where its inputs leave no first axis open. */
export function withBatch({ path, proto, graph, stored }: OnnxFile, batch: number): ModelProto {
  const firsts = graph.input.filter(({ name }) => !stored.has(name)).map((info) => ({ info, axis: dimsOf(info)?.[0] }))
  const open = firsts.filter(({ axis }) => axis && axis.value.case !== 'dimValue')
  if (open.length === 0) {
    const fixed = firsts.find(({ axis }) => axis)
    if (fixed && Number(fixed.axis!.value.value) === batch) return proto
    const found = fixed ? `${fixed.info.name} is for batches of ${fixed.axis!.value.value}` : 'no input has axes'
    throw new UserError(`--batch: ${path} leaves no number of samples open: ${found}`)
  }
  const symbols = new Set(open.flatMap(({ axis }) => (axis!.value.case === 'dimParam' ? [axis!.value.value] : [])))
  const inputs = new Set(open.map(({ info }) => info.name))
  const fix = (info: ValueInfoProto) => fixed(info, batch, symbols, inputs.has(info.name))
  const { input, output, valueInfo } = graph
  const fields = { input: input.map(fix), output: output.map(fix), valueInfo: valueInfo.map(fix) }
  return changed(ModelProtoSchema, proto, { graph: changed(GraphProtoSchema, graph, fields) })
}

const dimsOf = ({ type }: ValueInfoProto): Dimension[] | undefined =>
  type?.value.case === 'tensorType' ? type.value.value.shape?.dim : undefined

/**
 * With a number in the place of the symbols of the batch, and of the first axis of an input that names none.
 */
function fixed(info: ValueInfoProto, batch: number, symbols: ReadonlySet<string>, isInput: boolean): ValueInfoProto {
  const dims = dimsOf(info)
  if (!dims || info.type?.value.case !== 'tensorType') return info
  const dim = dims.map((one, axis) => {
    const is = one.value.case === 'dimParam' ? symbols.has(one.value.value) : isInput && axis === 0 && !one.value.case
    return is
      ? changed(TensorShapeProto_DimensionSchema, one, { value: { case: 'dimValue', value: BigInt(batch) } })
      : one
  })
  const { value: tensor } = info.type.value
  const value = changed(TypeProto_TensorSchema, tensor, {
    shape: changed(TensorShapeProtoSchema, tensor.shape!, { dim }),
  })
  return changed(ValueInfoProtoSchema, info, {
    type: changed(TypeProtoSchema, info.type, { value: { case: 'tensorType', value } }),
  })
}
