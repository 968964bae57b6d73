/** @file All kernels, and what their codes mean: what kernels/kernels.def has to say as well. */
import type { Kernel } from '../kernel.ts'
import { conv, convInputGrad, convSampleGrads, convWeightGrad } from './conv.ts'
import { CHANGE, loadAugmented, loadFloats, loadImages } from './data.ts'
import { binary, clip, copy, dropoutMask, place, unary, where, zero } from './elementwise.ts'
import { BINARY, UNARY } from './functions.ts'
import { BIAS, gemm } from './gemm.ts'
import { dequantize, int8Add, quantize } from './int8.ts'
import { int8Conv, int8Depthwise, int8SparseConv } from './int8-conv.ts'
import { int8AveragePool, int8MaxPool } from './int8-pooling.ts'
import { countCorrect, crossEntropy, crossEntropyGrad, softmax } from './loss.ts'
import { cholesky64, gather64, MODE, product64 } from './matrix64.ts'
import { gather, resample, SCATTER, scatter, topK } from './moving.ts'
import { batchNorm, batchNormGrad, batchNormTrain, runningAverage } from './norm.ts'
import { applyMask, factoredSgd, groupLasso, HYPER, sgd, sparseGroupLasso, tieGradient } from './optimizer.ts'
import { peak } from './peak.ts'
import { averagePool, averagePoolGrad, maxPool } from './pooling.ts'
import { RECTIFY } from './rectify.ts'
import { REDUCE, reduce } from './reduce.ts'
import { selectTopKernel } from './select.ts'
import { sparseConv, sparseConvInputGrad, sparseConvWeightGrad } from './sparse.ts'

export { limits } from './limits.ts'

/** A kernel as far as both languages declare it. */
export type Signature = Pick<Kernel, 'name' | 'parameters' | 'list'>

export const kernels: readonly Signature[] = [
  gemm,
  conv,
  convInputGrad,
  convWeightGrad,
  convSampleGrads,
  sparseConv,
  sparseConvInputGrad,
  sparseConvWeightGrad,
  quantize,
  dequantize,
  int8Conv,
  int8SparseConv,
  int8Depthwise,
  int8Add,
  int8AveragePool,
  int8MaxPool,
  batchNormTrain,
  batchNorm,
  batchNormGrad,
  runningAverage,
  maxPool,
  averagePool,
  averagePoolGrad,
  unary,
  binary,
  where,
  copy,
  place,
  zero,
  clip,
  dropoutMask,
  reduce,
  resample,
  gather,
  scatter,
  topK,
  softmax,
  crossEntropy,
  crossEntropyGrad,
  countCorrect,
  sgd,
  factoredSgd,
  applyMask,
  tieGradient,
  groupLasso,
  sparseGroupLasso,
  selectTopKernel,
  product64,
  cholesky64,
  gather64,
  loadImages,
  loadAugmented,
  loadFloats,
  peak,
]

/** Names of codes, each the number of its place. */
export const codes = { UNARY, BINARY, REDUCE, BIAS, RECTIFY, SCATTER, MODE, HYPER, CHANGE } as const
