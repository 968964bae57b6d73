/**
 * @file What a layer costs on dense and on sparse kernels, by a fixed table: nanoseconds of one AVX2 core at 3.5 GHz per multiply-add and per value moved,
 * read off bench/sparse-kernels.mjs. Only the ratio of the two costs decides; it is the same on every machine, so that a run can be repeated.
 */

/** A layer's sizes, as the kernels of src/engine/kernels/sparse.ts have them. */
export interface LayerCost {
  batch: number
  in: number
  out: number
  h: number
  w: number
  oh: number
  ow: number
  kh: number
  kw: number
  sy: number
  sx: number
  dy: number
  dx: number
  /** Whether training needs the gradient of its input. */
  inputGradient: boolean
}

/** Nanoseconds per multiply-add of the dense kernels. */
const DENSE = {
  /** 3 x 3 without stride, by Winograd's algorithm. */
  winograd: 0.013,
  /** Other convolutions, few channels (under 32) or with a stride. */
  direct: 0.03,
  /** Matrix products: linear layers and 1 x 1 convolutions. */
  product: 0.016,
}
/** Nanoseconds per multiply-add of a nonzero, and per value of the input and the output that a pass touches. */
const SPARSE = { nonzero: 0.035, value: 0.4 }

/** How many times faster than on dense kernels a pass over the layer is on sparse ones, where `density` of its weights are nonzeros. */
export function sparseGain(layer: LayerCost, density: number): number {
  const { batch, in: channels, out, h, w, oh, ow, kh, kw, sy, sx, dy, dx } = layer
  const multiplyAdds = batch * out * channels * kh * kw * oh * ow
  const plain = sy === 1 && sx === 1 && dy === 1 && dx === 1
  const kind =
    kh * kw === 1 && plain
      ? 'product'
      : kh === 3 && kw === 3 && plain && channels >= 8 && out >= 8 && batch >= 8
        ? 'winograd'
        : 'direct'
  const moved = batch * (channels * h * w + out * oh * ow)
  return (multiplyAdds * DENSE[kind]) / (multiplyAdds * density * SPARSE.nonzero + moved * SPARSE.value)
}
