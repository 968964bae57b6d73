/** @file The operators of ONNX that run here, by name. Adding one: a translator in a file of this folder. */
import type { Translator } from '../scope.ts'
import { activation } from './activation.ts'
import { arithmetic } from './arithmetic.ts'
import { attention } from './attention.ts'
import { casts } from './casts.ts'
import { einsum } from './einsum.ts'
import { functions } from './functions.ts'
import { layers } from './layers.ts'
import { logic } from './logic.ts'
import { normalization } from './normalization.ts'
import { pooling } from './pooling.ts'
import { products } from './products.ts'
import { recurrent } from './recurrent/index.ts'
import { reductions } from './reductions.ts'
import { shape } from './shape.ts'
import { softmax } from './softmax.ts'

export const translators: Readonly<Record<string, Translator>> = {
  ...activation,
  ...arithmetic,
  ...casts,
  ...functions,
  Attention: attention,
  Einsum: einsum,
  ...layers,
  ...logic,
  ...normalization,
  ...pooling,
  ...products,
  ...recurrent,
  ...reductions,
  ...shape,
  ...softmax,
}
