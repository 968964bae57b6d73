/** @file The operators of ONNX that run here, by name. Adding one: a translator in a file of this folder. */
import type { Translator } from '../scope.ts'
import { activation } from './activation.ts'
import { arithmetic } from './arithmetic.ts'
import { arrangement } from './arrange.ts'
import { convolutions } from './convolutions.ts'
import { gathers } from './gathers.ts'
import { layers } from './layers.ts'
import { parts } from './parts.ts'
import { pooling } from './pooling.ts'
import { products } from './products.ts'
import { resizing } from './resize.ts'
import { scatters } from './scatters.ts'
import { shape } from './shape.ts'

export const translators: Readonly<Record<string, Translator>> = {
  ...activation,
  ...arithmetic,
  ...arrangement,
  ...convolutions,
  ...gathers,
  ...layers,
  ...parts,
  ...pooling,
  ...products,
  ...resizing,
  ...scatters,
  ...shape,
}
