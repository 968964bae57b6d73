/** @file The matrix product in WGSL. */
import { BIAS, gemm as kernel } from '../kernels/gemm.ts'
import { product, productScratch } from './product.ts'
import type { Shader } from './shader.ts'

type P = (typeof kernel)['parameters'][number]
const sizes = ({ m, n, k }: Readonly<Record<P, number>>) => ({ m, n, k, groups: 1 })

export const gemm: Shader<P> = {
  kernel,
  writes: ['c'],
  scratch: (p) => productScratch(sizes(p)),
  passes: product<P>({
    sizes,
    a: 'at(p.a + m * p.aOuter + k * p.aDepth)',
    b: 'at(p.b + n * p.bOuter + k * p.bDepth)',
    alongDepth: 'u.bDepth == 1u',
    store: `
  var y = sum;
  if (p.biasKind == ${BIAS.row}u) { y += at(p.bias + m); }
  if (p.biasKind == ${BIAS.column}u) { y += at(p.bias + n); }
  put(p.c + m * p.n + n, rectified(y, p.relu));`,
  }),
}
