/**
 * @file A model whose weights, and maybe values, are whole numbers: in QDQ form, with inputs of layers that
 * are rounded while it runs, or with weights of four bits.
 */
import { ModelProtoSchema, type NodeProto } from 'onnx-buf'
import { UserError } from '../../../util/errors.ts'
import { changed } from '../changed.ts'
import { ModelEditor } from '../edit.ts'
import { type OnnxFile, openModel } from '../file.ts'
import type { ValueCodes, WeightCodes } from './codes.ts'
import { dequantizedWeight, roundBias, shiftBias } from './dequantize.ts'
import { multiplyDynamically, type Rounded } from './dynamic.ts'
import { multiplyByBits, RUNTIME_DOMAIN, storedBits } from './n-bits.ts'
import { roundValues } from './round-values.ts'
import type { QuantizedValues } from './values.ts'

/** The first version of ONNX's operators in which a scale may be one for each place of an axis. */
const OPSET = 13

export interface QuantizedModel {
  file: OnnxFile
  /** Biases that stay floats, each with the reason; a runtime may compute their layers in floats. */
  notes: string[]
}

/**
 * What is rounded beside weights: values by the grids of their names, or the inputs of layers as they
 * come.
 */
export type RoundedValues = { values: QuantizedValues; grids: ReadonlyMap<string, ValueCodes> } | 'dynamic' | undefined

/**
 * The model with codes in the place of its weights. Biases become 32-bit codes where the input of their layer
 * has a grid. Throws UserError where the model's operators are too old.
 */
export function writeQuantized(
  file: OnnxFile,
  weights: readonly WeightCodes[],
  rounded?: RoundedValues,
): QuantizedModel {
  checkOpset(file)
  const editor = new ModelEditor(file)
  const notes: string[] = []
  const inputs: Rounded = new Map()
  const gridOf = rounded && rounded !== 'dynamic' ? gridsOfInputs(rounded) : () => undefined
  if (rounded && rounded !== 'dynamic') roundValues(editor, rounded.values, rounded.grids)
  for (const weight of weights) {
    if (weight.shift) for (const node of weight.nodes) shiftBias(editor, node, weight.shift)
    if (rounded === 'dynamic') {
      for (const node of weight.nodes) multiplyDynamically(editor, node, weight, inputs)
    } else if (weight.bits === 4) {
      const stored = storedBits(editor, weight)
      for (const node of weight.nodes) multiplyByBits(editor, node, weight, stored)
    } else {
      const name = dequantizedWeight(editor, weight)
      for (const node of weight.nodes) {
        editor.setInput({ node, input: 1 }, name)
        const grid = gridOf(node)
        const reason =
          grid && editor.now(node)!.input[2] ? roundBias(editor, { node, input: 2 }, grid, weight) : undefined
        if (reason !== undefined) notes.push(reason)
      }
    }
  }
  const model = editor.finish()
  const domains = model.opsetImport
  const needs = weights.some(({ bits }) => bits === 4) && !domains.some(({ domain }) => domain === RUNTIME_DOMAIN)
  const opsetImport = needs ? [...domains, { ...domains[0], domain: RUNTIME_DOMAIN, version: 1n }] : domains
  return { file: openModel(changed(ModelProtoSchema, model, { opsetImport }), file.path, file.external), notes }
}

/** The grids of what goes into nodes. */
function gridsOfInputs({ values: { values, reads }, grids }: Exclude<RoundedValues, 'dynamic' | undefined>) {
  const likes = new Map(values.map(({ name, like = name }) => [name, like]))
  const read = new Map(reads.flatMap(({ node, input }) => (input === 0 ? [[node, node.input[0]] as const] : [])))
  return (node: NodeProto): ValueCodes | undefined => grids.get(likes.get(read.get(node) ?? '') ?? '')
}

/** Throws UserError where the model's operators know no scales of channels. */
export function checkOpset({ path, opset }: OnnxFile): void {
  if (opset < OPSET)
    throw new UserError(
      `${path} uses version ${opset} of ONNX's operators, and scales of channels need ${OPSET}: export it again with opset 17`,
    )
}
