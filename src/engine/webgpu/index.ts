/** @file All kernels that WebGPU has, by name. What is missing here runs on the processor. */
import { conv, convInputGrad, convSampleGrads, convWeightGrad } from './conv.ts'
import { loadAugmented, loadFloats, loadImages } from './data.ts'
import { binary, clip, copy, dropoutMask, place, unary, where, zero } from './elementwise.ts'
import { gemm } from './gemm.ts'
import { countCorrect, crossEntropy, crossEntropyGrad, softmax } from './loss.ts'
import { gather, resample, scatter } from './moving.ts'
import { batchNorm, batchNormGrad, batchNormTrain, runningAverage } from './norm.ts'
import { applyMask, factoredSgd, groupLasso, sgd, sparseGroupLasso, tieGradient } from './optimizer.ts'
import { averagePool, averagePoolGrad, maxPool } from './pooling.ts'
import { reduce } from './reduce.ts'
import { selectTop } from './select.ts'
import type { Shader } from './shader.ts'
import { sparseConv, sparseConvInputGrad, sparseConvWeightGrad } from './sparse.ts'

const list = [
  gemm,
  conv,
  convInputGrad,
  convWeightGrad,
  convSampleGrads,
  sparseConv,
  sparseConvInputGrad,
  sparseConvWeightGrad,
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
  selectTop,
  loadImages,
  loadAugmented,
  loadFloats,
]

export const shaders: ReadonlyMap<string, Shader> = new Map(
  list.map((shader) => [shader.kernel.name, shader as unknown as Shader]),
)
