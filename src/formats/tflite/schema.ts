/**
 * @file The tables of TensorFlow Lite's file format (version 3 of its public schema.fbs): those that are
 * written here, with all of their fields up to the last one that is used, in the order of their slots.
 */
import type { Table } from './flatbuffer.ts'

/** The first bytes of a file behind the offset of its root. */
export const IDENTIFIER = 'TFL3'
export const VERSION = 3

export const TYPES = { float32: 0, float16: 1, int32: 2, uint8: 3, int64: 4, bool: 6, int8: 9 } as const
export type ElementType = keyof typeof TYPES

export const PADDINGS = { SAME: 0, VALID: 1 } as const
export type Padding = keyof typeof PADDINGS

/** Activations that an operator can have of its own. */
export const ACTIVATIONS = { NONE: 0, RELU: 1, RELU_N1_TO_1: 2, RELU6: 3 } as const

/** How places along an axis of an encoded tensor are given. */
export const DIMENSIONS = { DENSE: 0, SPARSE_CSR: 1 } as const
/** Lists of places, by the width of their elements: the type of the union, and its table. */
export const INDICES = {
  int32: { type: 1, table: { values: 'int32s' } },
  uint16: { type: 2, table: { values: 'uint16s' } },
} as const satisfies Record<string, { type: number; table: Table }>

const dimension = {
  format: 'int8',
  dense_size: 'int32',
  array_segments_type: 'int8',
  array_segments: 'union',
  array_indices_type: 'int8',
  array_indices: 'union',
} as const satisfies Table

const sparsity = {
  traversal_order: 'int32s',
  block_map: 'int32s',
  dim_metadata: [dimension],
} as const satisfies Table

const quantization = {
  min: 'float32s',
  max: 'float32s',
  scale: 'float32s',
  zero_point: 'int64s',
  details_type: 'int8',
  details: 'union',
  quantized_dimension: 'int32',
} as const satisfies Table

const tensor = {
  shape: 'int32s',
  type: 'int8',
  buffer: 'int32',
  name: 'string',
  quantization,
  is_variable: 'bool',
  sparsity,
} as const satisfies Table

const operator = {
  opcode_index: 'int32',
  inputs: 'int32s',
  outputs: 'int32s',
  builtin_options_type: 'int8',
  builtin_options: 'union',
} as const satisfies Table

const tensorMap = { name: 'string', tensor_index: 'int32' } as const satisfies Table

export const tables = {
  sparsity,
  quantization,
  model: {
    version: 'int32',
    operator_codes: [
      { deprecated_builtin_code: 'int8', custom_code: 'string', version: 'int32', builtin_code: 'int32' },
    ],
    subgraphs: [{ tensors: [tensor], inputs: 'int32s', outputs: 'int32s', operators: [operator], name: 'string' }],
    description: 'string',
    buffers: [{ data: 'bytes' }],
    metadata_buffer: 'int32s',
    metadata: [{ name: 'string', buffer: 'int32' }],
    signature_defs: [
      {
        inputs: [tensorMap],
        outputs: [tensorMap],
        signature_key: 'string',
        deprecated_tag: 'string',
        subgraph_index: 'int32',
      },
    ],
  },
} as const satisfies Record<string, Table>

/** Options of convolutions up to the stride, and of those of pools. */
const windows = { padding: 'int8', stride_w: 'int32', stride_h: 'int32' } as const
const fused = { fused_activation_function: 'int8' } as const
const dilated = { dilation_w_factor: 'int32', dilation_h_factor: 'int32' } as const
const pool = { ...windows, filter_width: 'int32', filter_height: 'int32', ...fused } as const
const reducer = { keep_dims: 'bool' } as const
const none = {} as const
const bilinear = { new_height: 'int32', new_width: 'int32', align_corners: 'bool', half_pixel_centers: 'bool' } as const

/** An operator: its code, the type of the union of options, and their table. */
const of = <T extends Table>(code: number, type: number, table: T) => ({ code, type, table })

/** Operators by name. A type of 0 is that of no options. */
export const operators = {
  ADD: of(0, 11, fused),
  AVERAGE_POOL_2D: of(1, 5, pool),
  CONCATENATION: of(2, 10, { axis: 'int32', ...fused }),
  CONV_2D: of(3, 1, { ...windows, ...fused, ...dilated }),
  DEPTHWISE_CONV_2D: of(4, 2, { ...windows, depth_multiplier: 'int32', ...fused, ...dilated }),
  DEQUANTIZE: of(6, 38, none),
  FLOOR: of(8, 0, none),
  FULLY_CONNECTED: of(9, 8, { ...fused, weights_format: 'int8', keep_num_dims: 'bool' }),
  LOGISTIC: of(14, 0, none),
  MAX_POOL_2D: of(17, 5, pool),
  MUL: of(18, 21, fused),
  RELU: of(19, 0, none),
  RELU_N1_TO_1: of(20, 0, none),
  RELU6: of(21, 0, none),
  RESHAPE: of(22, 17, { new_shape: 'int32s' }),
  RESIZE_BILINEAR: of(23, 15, bilinear),
  SOFTMAX: of(25, 9, { beta: 'float32' }),
  TANH: of(28, 0, none),
  PAD: of(34, 22, none),
  GATHER: of(36, 23, { axis: 'int32', batch_dims: 'int32' }),
  TRANSPOSE: of(39, 26, none),
  MEAN: of(40, 27, reducer),
  SUB: of(41, 28, fused),
  DIV: of(42, 29, fused),
  STRIDED_SLICE: of(45, 32, none),
  EXP: of(47, 33, none),
  CAST: of(53, 37, { in_data_type: 'int8', out_data_type: 'int8' }),
  MAXIMUM: of(55, 39, none),
  MINIMUM: of(57, 39, none),
  LESS: of(58, 41, none),
  NEG: of(59, 42, none),
  PADV2: of(60, 43, none),
  LESS_EQUAL: of(63, 46, none),
  TRANSPOSE_CONV: of(67, 49, { ...windows, ...fused }),
  SIN: of(66, 0, none),
  EQUAL: of(71, 53, none),
  NOT_EQUAL: of(72, 54, none),
  LOG: of(73, 0, none),
  SUM: of(74, 27, reducer),
  SQRT: of(75, 0, none),
  POW: of(78, 56, none),
  REDUCE_PROD: of(81, 27, reducer),
  REDUCE_MAX: of(82, 27, reducer),
  REDUCE_MIN: of(89, 27, reducer),
  RESIZE_NEAREST_NEIGHBOR: of(97, 74, { align_corners: 'bool', half_pixel_centers: 'bool' }),
  LEAKY_RELU: of(98, 75, { alpha: 'float32' }),
  ABS: of(101, 78, none),
  CEIL: of(104, 0, none),
  COS: of(108, 84, none),
  QUANTIZE: of(114, 89, none),
  ROUND: of(116, 0, none),
  HARD_SWISH: of(117, 91, none),
  SELECT_V2: of(123, 98, none),
  DENSIFY: of(124, 99, none),
  BATCH_MATMUL: of(126, 101, { adj_x: 'bool', adj_y: 'bool' }),
  BROADCAST_TO: of(130, 104, none),
  GELU: of(150, 116, { approximate: 'bool' }),
  SIGN: of(158, 123, none),
} as const satisfies Record<string, { code: number; type: number; table: Table }>

export type OperatorName = keyof typeof operators
