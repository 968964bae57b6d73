/**
 * @file Batch normalization with given statistics, made part of the layer before it in the messages of a
 * model: the network need not run here. Formula and conditions are those of graph/fold-batch-norm.ts; sums
 * are in float64, and stored in the type that the layer has.
 */
import type { ModelProto, NodeProto } from 'onnx-buf'
import type { StoredTensor } from '../safetensors-bytes.ts'
import { ModelEditor } from './edit.ts'
import type { OnnxFile } from './file.ts'
import { Operation } from './operation.ts'
import { floatsAs } from './rewrite.ts'
import { isFloating, numbersOf } from './tensor.ts'

export interface FoldedModel {
  model: ModelProto
  /** Batch normalizations that went. */
  folded: number
  /** Those that stay, each with the reason. */
  stay: string[]
}

/** The axis of a layer's weight that runs over its outputs. */
const OUTPUTS: Record<string, (layer: Operation) => number | undefined> = {
  Conv: () => 0,
  ConvTranspose: (layer) => (layer.integer('group', 1) === 1 ? 1 : undefined),
  Gemm: (layer) =>
    layer.float('alpha', 1) === 1 && layer.float('beta', 1) === 1 ? 1 - layer.integer('transB', 0) : undefined,
}

/** Every batch normalization of the main graph whose layer can take it over is gone. */
export function foldBatchNorms(file: OnnxFile): FoldedModel {
  const editor = new ModelEditor(file)
  const makers = new Map(file.graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)))
  const stay: string[] = []
  let folded = 0
  for (const node of file.graph.node) {
    if (node.opType !== 'BatchNormalization' || !['', 'ai.onnx'].includes(node.domain)) continue
    const reason = foldOne(editor, node, makers.get(node.input[0]))
    if (reason === undefined) folded++
    else stay.push(`${node.name || node.output[0]}: ${reason}`)
  }
  return { model: folded > 0 ? editor.finish() : file.proto, folded, stay }
}

/** Undefined where it is done, else why not. */
function foldOne(editor: ModelEditor, norm: NodeProto, maker: NodeProto | undefined): string | undefined {
  const { opset } = editor.file
  const operation = new Operation(norm, opset)
  const axis = maker && ['', 'ai.onnx'].includes(maker.domain) ? OUTPUTS[maker.opType] : undefined
  if (!maker || !axis) return 'no convolution comes before it'
  if (isTraining(operation)) return 'it is in training mode'
  const [x] = norm.input
  if (editor.isOutput(x) || editor.readers(x).length !== 1)
    return 'the output of its convolution is read elsewhere, too'
  const [, weight, bias] = maker.input
  const parts = norm.input.slice(1, 5)
  const stored = [weight, ...(bias ? [bias] : []), ...parts]
  if (parts.length < 4 || !stored.every((name) => editor.isStored(name) && isFloating(editor.tensor(name).dtype)))
    return 'not all of its numbers are stored'
  const over = axis(new Operation(maker, opset))
  const kernel = editor.tensor(weight)
  const [scale, shift, mean, variance] = parts.map((name) => numbersOf(editor.tensor(name)))
  if (over === undefined || kernel.shape[over] !== scale.length)
    return 'its layer has no output for each of its channels'
  const old = bias ? numbersOf(editor.tensor(bias)) : new Float64Array(scale.length)
  if (old.length !== scale.length) return 'the bias of its layer is not one number per output'

  const epsilon = operation.float('epsilon', 1e-5)
  const factors = Float64Array.from(scale, (value, o) => value / Math.sqrt(variance[o] + epsilon))
  const sums = Float64Array.from(factors, (factor, o) => shift[o] + factor * (old[o] - mean[o]))
  const made = scaled(kernel, factors, over)
  const offset = floatsAs(kernel.dtype, [sums.length], sums)
  if (![made, offset].every((tensor) => numbersOf(tensor).every((value) => Number.isFinite(value))))
    return `its layer's type, ${kernel.dtype}, cannot hold the result`
  put(editor, maker, 1, made)
  if (bias) put(editor, maker, 2, offset)
  else editor.setInput({ node: maker, input: 2 }, nameFor(editor, norm, weight, offset))
  editor.remove(norm)
  editor.setOutput(maker, 0, norm.output[0])
  return undefined
}

const isTraining = (norm: Operation) =>
  norm.opset >= 14
    ? norm.integer('training_mode', 0) !== 0
    : norm.outputs.slice(1).some((name) => name !== '') || (norm.opset < 7 && norm.integer('is_test', 0) === 0)

/** A weight with a factor for each output. */
function scaled(tensor: StoredTensor, factors: Float64Array, axis: number): StoredTensor {
  const inner = tensor.shape.slice(axis + 1).reduce((n, size) => n * size, 1)
  const values = Float64Array.from(
    numbersOf(tensor),
    (value, i) => value * factors[Math.floor(i / inner) % factors.length],
  )
  return floatsAs(tensor.dtype, tensor.shape, values)
}

/**
 * Other values for an input of a node: in their place, or where other nodes read them as well, in a tensor of
 * their own.
 */
function put(editor: ModelEditor, node: NodeProto, input: number, tensor: StoredTensor): void {
  const name = node.input[input]
  if (editor.readers(name).length === 1 && !editor.isOutput(name)) editor.setTensor(name, tensor)
  else editor.setInput({ node, input }, editor.addTensor(`${node.name || node.output[0]}.${name}`, tensor))
}

/** The layer's bias: the shift of the normalization, where nothing else reads that. */
function nameFor(editor: ModelEditor, norm: NodeProto, weight: string, bias: StoredTensor): string {
  const shift = norm.input[2]
  const own = editor.readers(shift).length === 1 && !editor.isOutput(shift)
  if (!own || editor.tensor(shift).dtype !== bias.dtype)
    return editor.addTensor(`${weight.replace(/\.weight$/, '')}.bias`, bias)
  editor.setTensor(shift, bias)
  return shift
}
