/** @file What operators of ours become in a TensorFlow Lite file, by their names. */
import type { Write } from '../translation.ts'
import { convolutions } from './convolutions.ts'
import { elementwise } from './elementwise.ts'
import { products } from './linear.ts'
import { pooling } from './pooling.ts'
import { resampling } from './resample.ts'
import { shapes } from './shapes.ts'

export const writers: Readonly<Record<string, Write>> = {
  ...convolutions,
  ...elementwise,
  ...pooling,
  ...products,
  ...resampling,
  ...shapes,
}
