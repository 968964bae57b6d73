/** @file What the flags of espalier eval say. */
import type { PreprocessingFlags } from '../flags/preprocessing.ts'

export interface EvalOptions extends PreprocessingFlags {
  engine: string
  model?: string
  weights?: string
  dataset?: string
  data?: string
  kernels: string
  costs?: string
  dense?: string
  metric?: string
  json?: boolean
}
