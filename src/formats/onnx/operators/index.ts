/** @file The operators of ONNX that run here, by name. Adding one: a translator in a file of this folder. */
import type { Translator } from '../scope.ts'
import { activation } from './activation.ts'
import { arithmetic } from './arithmetic.ts'
import { arrangement } from './arrange.ts'
import { attention } from './attention.ts'
import { casts } from './casts.ts'
import { convolutions } from './convolutions.ts'
import { einsum } from './einsum.ts'
import { functions } from './functions.ts'
import { gathers } from './gathers.ts'
import { layers } from './layers.ts'
import { logic } from './logic.ts'
import { normalization } from './normalization.ts'
import { parts } from './parts.ts'
import { pooling } from './pooling.ts'
import { products } from './products.ts'
import { quantized } from './quantized.ts'
import { recurrent } from './recurrent/index.ts'
import { reductions } from './reductions.ts'
import { resizing } from './resize.ts'
import { rotary } from './rotary.ts'
import { runtime } from './runtime/index.ts'
import { scatters } from './scatters.ts'
import { shape } from './shape.ts'
import { softmax } from './softmax.ts'

export const translators: Readonly<Record<string, Translator>> = {
  ...activation,
  ...arithmetic,
  ...arrangement,
  ...casts,
  ...convolutions,
  ...functions,
  ...gathers,
  Attention: attention,
  Einsum: einsum,
  ...layers,
  ...logic,
  ...normalization,
  ...parts,
  ...pooling,
  ...products,
  ...quantized,
  ...recurrent,
  ...reductions,
  ...resizing,
  ...rotary,
  ...runtime,
  ...scatters,
  ...shape,
  ...softmax,
}
