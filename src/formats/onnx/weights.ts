/** @file The weights of an ONNX model that need not run here: what its products and convolutions multiply with. */
import type { OnnxFile } from './file.ts'
import { dtypes, isFloating } from './tensor.ts'

/** Operators whose stored matrices and kernels are weights. */
const LAYERS = new Set([
  ...['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'LSTM', 'GRU', 'RNN'],
  ...['Attention', 'MultiHeadAttention', 'FusedMatMul', 'FusedGemm', 'FusedConv'],
])
/** Operators that pass a weight on. */
const PASSING = new Set(['Identity', 'Transpose', 'Cast', 'Reshape'])

/** Names of initializers of floats with two axes or more that such an operator reads, in the order of the file. */
export function layerWeights({ graph }: OnnxFile): string[] {
  const read = new Set<string>()
  for (const { opType, input, output } of [...graph.node].reverse()) {
    const leads = LAYERS.has(opType) || (PASSING.has(opType) && output.some((name) => read.has(name)))
    if (leads) for (const name of PASSING.has(opType) ? input.slice(0, 1) : input) read.add(name)
  }
  return graph.initializer
    .filter(({ name, dims, dataType }) => read.has(name) && isWeight(dims, dataType))
    .map(({ name }) => name)
}

const isWeight = (dims: readonly bigint[], type: number) =>
  type in dtypes && isFloating(dtypes[type]) && dims.filter((n) => n > 1n).length >= 2
