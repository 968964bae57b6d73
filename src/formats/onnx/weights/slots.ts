/** @file Which inputs of which operators are weights of a layer, and what its other inputs are. */
import type { Operation } from '../operation.ts'

/**
 * An input that is a weight. Of quantized ones, the inputs with scales and zero points, and the axis along
 * which there may be several.
 */
export interface WeightSlot {
  slot: number
  scale?: number
  zero?: number
  axis?: number
  /** Products of whole numbers, which a later node multiplies with the scale. */
  scaledLater?: boolean
}

type Slots = (operation: Operation) => readonly WeightSlot[]

const plain = (...slots: number[]): Slots => {
  const list = slots.map((slot) => ({ slot }))
  return () => list
}
const fixed =
  (...slots: WeightSlot[]): Slots =>
  () =>
    slots

const microsoft = (table: Record<string, Slots>): Record<string, Slots> =>
  Object.fromEntries(Object.entries(table).map(([name, slots]) => [`com.microsoft.${name}`, slots]))

const qlinearConv = fixed({ slot: 3, scale: 4, zero: 5, axis: 0 })

const layers: Readonly<Record<string, Slots>> = {
  Conv: plain(1),
  ConvTranspose: plain(1),
  DeformConv: plain(1),
  Gemm: plain(0, 1),
  MatMul: plain(0, 1),
  Einsum: ({ inputs }) => inputs.map((_, slot) => ({ slot })),
  LSTM: plain(1, 2),
  GRU: plain(1, 2),
  RNN: plain(1, 2),
  ConvInteger: fixed({ slot: 1, zero: 3, axis: 0, scaledLater: true }),
  MatMulInteger: fixed(
    { slot: 0, zero: 2, axis: -2, scaledLater: true },
    { slot: 1, zero: 3, axis: -1, scaledLater: true },
  ),
  QLinearConv: qlinearConv,
  QLinearMatMul: fixed({ slot: 0, scale: 1, zero: 2, axis: -2 }, { slot: 3, scale: 4, zero: 5, axis: -1 }),
  'com.microsoft.nchwc.Conv': plain(1),
  // Operators into which ONNX Runtime joins others;
  // https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md has their inputs.
  ...microsoft({
    FusedConv: plain(1),
    NhwcConv: plain(1),
    NhwcFusedConv: plain(1),
    FusedGemm: plain(0, 1),
    FusedMatMul: plain(0, 1),
    TransposeMatMul: plain(0, 1),
    GemmFastGelu: plain(1),
    Attention: plain(1),
    PackedAttention: plain(1),
    DecoderAttention: plain(2, 3),
    LongformerAttention: plain(1, 4),
    MoE: plain(2, 4, 6),
    QLinearConv: qlinearConv,
    QAttention: fixed({ slot: 1, scale: 4, zero: 7, axis: -1 }),
    MatMulIntegerToFloat: fixed({ slot: 0, scale: 2, zero: 4, axis: -2 }, { slot: 1, scale: 3, zero: 5, axis: -1 }),
    DynamicQuantizeMatMul: fixed({ slot: 1, scale: 2, zero: 3, axis: -1 }),
    QGemm: (operation) => [
      { slot: 0, scale: 1, zero: 2, axis: -2 },
      { slot: 3, scale: 4, zero: 5, axis: operation.integer('transB', 0) ? 0 : 1 },
    ],
  }),
}

/** The inputs that are weights; undefined of an operator that is no layer. */
export const weightSlots = (operation: Operation): readonly WeightSlot[] | undefined =>
  Object.hasOwn(layers, operation.op) ? layers[operation.op](operation) : undefined

/** Layers whose weights are packed into words. */
const packed = ['MatMulNBits', 'MatMulBnb4', 'MatMulFpQ4', 'QMoE', 'GatherBlockQuantized'].map(
  (name) => `com.microsoft.${name}`,
)

const recurrent = { 3: 'a bias', 4: 'sequence lengths', 5: 'an initial state', 6: 'an initial state', 7: 'peepholes' }
const convolution = { 2: 'a bias' }

const roles: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
  Conv: convolution,
  ConvTranspose: convolution,
  Gemm: { 2: 'a bias' },
  DeformConv: { 2: 'offsets', 3: 'a bias', 4: 'a mask' },
  QLinearConv: { 8: 'a bias' },
  'com.microsoft.FusedGemm': { 2: 'a bias' },
  'com.microsoft.FusedConv': convolution,
  'com.microsoft.Attention': { 2: 'a bias' },
  'com.microsoft.QGemm': { 6: 'a bias' },
}

/**
 * What an input is that is no weight of a layer, in plain words. `stored`: all inputs are, so that what the
 * node makes may be the weight of a layer.
 */
export function roleOf({ op }: Operation, slot: number, stored = false): string {
  if (packed.includes(op)) return `packed numbers of few bits, which ${op} unpacks`
  const role = Object.hasOwn(roles, op) ? roles[op][slot] : undefined
  if (role) return `${role} of ${op}`
  if (Object.hasOwn(layers, op)) return `read by ${op} beside its weights`
  if (op.includes('.')) return `read by ${op}, an operator that is not known here`
  return stored ? `read by ${op}, which does not leave each zero where it is` : `read by ${op}, which is no layer`
}

/** Operators that look rows up in a table. */
export const looksUp = ({ op }: Operation, slot: number): boolean =>
  (['Gather', 'GatherND', 'GatherElements'].includes(op) && slot === 0) ||
  (op.startsWith('com.microsoft.') && op.endsWith('EmbedLayerNormalization'))

/** Operators that read no values. */
export const readsNoValues = ({ op }: Operation): boolean => op === 'Shape' || op === 'Size'

/**
 * Whether a layer sums over an axis of a weight of this shape that has more than one index: a product of a
 * column with a row, as of positions with frequencies, is none. Where the shape is not known, it may.
 */
export function sums(operation: Operation, slot: number, shape: readonly number[] | undefined): boolean {
  if (!shape) return true
  if (operation.op === 'Einsum') return einsumSums(operation, slot, shape)
  if (!/MatMul|Gemm$/.test(operation.op)) return true
  const first = slot === 0
  const turned = operation.integer(first ? 'transA' : 'transB', 0) !== 0
  const axis = shape.length === 1 ? 0 : first !== turned ? shape.length - 1 : shape.length - 2
  return shape[axis] > 1
}

function einsumSums(operation: Operation, slot: number, shape: readonly number[]): boolean {
  const [left, right] = operation.text('equation', '').replaceAll(' ', '').split('->')
  const labels = left.split(',')[slot] ?? ''
  if (labels.includes('.')) return true
  const gone = (label: string) => (right === undefined ? left.split(label).length > 2 : !right.includes(label))
  return [...labels].some((label, axis) => gone(label) && shape[axis] > 1)
}
