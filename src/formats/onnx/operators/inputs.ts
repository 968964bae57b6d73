/** @file How many inputs of an operator are honoured, here and where known numbers are computed with. */

const MOST: Readonly<Record<string, number>> = {
  Constant: 0,
  Clip: 3,
  Conv: 3,
  Gemm: 3,
  BatchNormalization: 5,
  Dropout: 3,
  // The third of MatMul is the bias that was added to it.
  MatMul: 3,
  PRelu: 2,
  Where: 3,
  Range: 3,
  Pad: 4,
  Slice: 5,
  Concat: Infinity,
  Max: Infinity,
  Mean: Infinity,
  Min: Infinity,
  Sum: Infinity,
}

const TWO = new Set([
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Mod',
  'Pow',
  'And',
  'Or',
  'Xor',
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Split',
  'Gather',
  'Expand',
  'Tile',
  'ReduceL1',
  'ReduceL2',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'ReduceProd',
  'ReduceSum',
  'ReduceSumSquare',
])

/** Those of an operator that no line names: 1. */
export const inputsOf = (op: string): number => MOST[op] ?? (TWO.has(op) ? 2 : 1)
