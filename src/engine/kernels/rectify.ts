/** @file What kernels can end a sum with: the argument `relu` of products and convolutions. */

/** `relu6` is ReLU that ends at 6 (Howard et al. 2017). */
export const RECTIFY = { none: 0, relu: 1, relu6: 2 } as const

/** A sum as an argument `relu` ends it. NaN stays. */
export function rectified(sum: number, relu: number): number {
  const y = relu === RECTIFY.none ? sum : Math.max(sum, 0)
  return relu === RECTIFY.relu6 ? Math.min(y, 6) : y
}
