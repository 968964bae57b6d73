/**
 * @file What a layer costs on dense and on sparse kernels, by a fixed table: nanoseconds of one AVX2 core at
 * 3.5 GHz per multiply-add and per value moved, read off `npm run bench sparse-kernels`. Only the ratio of
 * the two costs decides; it is the same on every machine, so that a run can be repeated.
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
}

/** Nanoseconds per multiply-add, per value of the input and the output, and per weight that is there. */
interface Cost {
  multiplyAdd: number
  value: number
  weight?: number
}

/** Sparse kernels over maps: without a stride, and with one. */
const MAPS: Cost = { multiplyAdd: 0.051, value: 0.46 }
const STRIDED: Cost = { multiplyAdd: 0.063, value: 0.36 }

type Kind = 'winograd' | 'direct' | 'strided' | 'product' | 'few' | 'fewProduct'

const COSTS: Record<Kind, { dense: Cost; sparse: Cost }> = {
  /** 3 x 3 without stride or dilation. */
  winograd: { dense: { multiplyAdd: 0.015, value: 0.84 }, sparse: MAPS },
  /** Other convolutions, without and with a stride or dilation. */
  direct: { dense: { multiplyAdd: 0.023, value: 1.6 }, sparse: MAPS },
  strided: { dense: { multiplyAdd: 0.022, value: 2.5 }, sparse: STRIDED },
  /** Linear layers and 1 x 1 convolutions. */
  product: { dense: { multiplyAdd: 0.0245, value: 0.4 }, sparse: { multiplyAdd: 0.084, value: 0.13 } },
  /** Convolutions of fewer samples than a vector has lanes, and the 1 x 1 ones without a stride. */
  few: {
    dense: { multiplyAdd: 0.0305, value: 0.5, weight: 0.5 },
    sparse: { multiplyAdd: 0.0505, value: 1.1, weight: 2.4 },
  },
  fewProduct: {
    dense: { multiplyAdd: 0.0274, value: 0.4, weight: 0.4 },
    sparse: { multiplyAdd: 0.068, value: 0.12, weight: 2.4 },
  },
}

/**
 * How many times faster than on dense kernels a pass over the layer is on sparse ones, where `density` of its
 * weights are nonzeros.
 */
export function sparseGain(layer: LayerCost, density: number): number {
  const { batch, in: channels, out, h, w, oh, ow, kh, kw, sy, sx, dy, dx } = layer
  const multiplyAdds = batch * out * channels * kh * kw * oh * ow
  const values = batch * (channels * h * w + out * oh * ow)
  const plain = sy === 1 && sx === 1 && dy === 1 && dx === 1
  const kind = (): Kind => {
    if (batch < 8 && kh * kw * oh * ow > 1) return plain && kh * kw === 1 ? 'fewProduct' : 'few'
    if (plain && kh === 3 && kw === 3 && channels >= 8 && out >= 8 && batch >= 8) return 'winograd'
    if (!plain) return 'strided'
    return kh * kw === 1 ? 'product' : 'direct'
  }
  const { dense, sparse } = COSTS[kind()]
  const weights = out * channels * kh * kw
  const time = ({ multiplyAdd, value, weight = 0 }: Cost, share: number) =>
    share * (multiplyAdds * multiplyAdd + weights * weight) + values * value
  return time(dense, 1) / time(sparse, density)
}
