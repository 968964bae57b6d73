/** @file The operators of ONNX that run here, by name. Adding one: a translator in a file of this folder. */
import type { Translator } from '../scope.ts'
import { activation } from './activation.ts'
import { arithmetic } from './arithmetic.ts'
import { layers } from './layers.ts'
import { pooling } from './pooling.ts'
import { products } from './products.ts'
import { recurrent } from './recurrent/index.ts'
import { shape } from './shape.ts'

export const translators: Readonly<Record<string, Translator>> = {
  ...activation,
  ...arithmetic,
  ...layers,
  ...pooling,
  ...products,
  ...recurrent,
  ...shape,
}
