/**
 * @file Batch normalization (kernels/norm.c), over [channel][n positions and samples]. `epsilon` travels as
 * the bits of a float.
 */
import { bitsToFloat } from '../bits.ts'
import type { Extent, Kernel, ReferenceMemory } from '../kernel.ts'

const at = (offset: number, length: number): Extent => ({ offset, length })

/** The value at a place of the residual; 0 where there is none. */
const residualAt = (p: { residual: number; hasResidual: number }, floats: ReferenceMemory['floats'], place: number) =>
  p.hasResidual ? floats[p.residual + place] : 0

/**
 * y = (x - mean) scale / sqrt(var + epsilon) + bias with the batch's own mean and var (divided by n), which
 * are results; plus `residual` [channels][n] if `hasResidual`; then ReLU if `relu`. y may lie where x or the
 * residual does.
 */
export const batchNormTrain: Kernel<
  'channels' | 'n' | 'x' | 'scale' | 'bias' | 'epsilon' | 'y' | 'mean' | 'var' | 'relu' | 'residual' | 'hasResidual'
> = {
  name: 'batch_norm_train',
  parameters: ['channels', 'n', 'x', 'scale', 'bias', 'epsilon', 'y', 'mean', 'var', 'relu', 'residual', 'hasResidual'],
  extents: (p) => [
    ...[p.x, p.y, ...(p.hasResidual ? [p.residual] : [])].map((offset) => at(offset, p.channels * p.n)),
    ...[p.scale, p.bias, p.mean, p.var].map((offset) => at(offset, p.channels)),
  ],
  reference: (p, { floats }) => {
    for (let c = 0; c < p.channels; c++) {
      const x = Float64Array.from(floats.subarray(p.x + c * p.n, p.x + (c + 1) * p.n))
      const mean = x.reduce((sum, v) => sum + v, 0) / p.n
      const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / p.n
      const factor = floats[p.scale + c] / Math.sqrt(variance + bitsToFloat(p.epsilon))
      x.forEach((v, i) => {
        const y = (v - mean) * factor + floats[p.bias + c] + residualAt(p, floats, c * p.n + i)
        floats[p.y + c * p.n + i] = p.relu ? Math.max(y, 0) : y
      })
      floats[p.mean + c] = mean
      floats[p.var + c] = variance
    }
  },
}

/** As {@link batchNormTrain}, with given statistics. */
export const batchNorm: Kernel<
  'channels' | 'n' | 'x' | 'scale' | 'bias' | 'mean' | 'var' | 'epsilon' | 'y' | 'relu' | 'residual' | 'hasResidual'
> = {
  name: 'batch_norm',
  parameters: ['channels', 'n', 'x', 'scale', 'bias', 'mean', 'var', 'epsilon', 'y', 'relu', 'residual', 'hasResidual'],
  extents: (p) => [
    ...[p.x, p.y, ...(p.hasResidual ? [p.residual] : [])].map((offset) => at(offset, p.channels * p.n)),
    ...[p.scale, p.bias, p.mean, p.var].map((offset) => at(offset, p.channels)),
  ],
  reference: (p, { floats }) => {
    for (let c = 0; c < p.channels; c++) {
      const factor = floats[p.scale + c] / Math.sqrt(floats[p.var + c] + bitsToFloat(p.epsilon))
      for (let i = c * p.n; i < (c + 1) * p.n; i++) {
        const y = (floats[p.x + i] - floats[p.mean + c]) * factor + floats[p.bias + c] + residualAt(p, floats, i)
        floats[p.y + i] = p.relu ? Math.max(y, 0) : y
      }
    }
  },
}

/**
 * The gradient of {@link batchNormTrain}: with xh = (x - mean) / sqrt(var + epsilon) and g = dy, plus `more`
 * [channels][n] if `summed`, only where y > 0 if `masked`: dbias = sum g, dscale = sum g xh, dx = scale /
 * sqrt(var + epsilon) (g - dbias / n - xh dscale / n). g is a result too if `summed` or `masked`. It may lie
 * where dy, more, y or dx do; dx may lie where dy or more do, and where x does unless g lies there too.
 */
export const batchNormGrad: Kernel<
  | 'channels'
  | 'n'
  | 'dy'
  | 'x'
  | 'scale'
  | 'mean'
  | 'var'
  | 'epsilon'
  | 'summed'
  | 'more'
  | 'masked'
  | 'y'
  | 'g'
  | 'dx'
  | 'dscale'
  | 'dbias'
> = {
  name: 'batch_norm_grad',
  parameters: [
    'channels',
    'n',
    'dy',
    'x',
    'scale',
    'mean',
    'var',
    'epsilon',
    'summed',
    'more',
    'masked',
    'y',
    'g',
    'dx',
    'dscale',
    'dbias',
  ],
  extents: (p) => {
    const maps = [p.dy, p.x, p.dx, ...(p.summed ? [p.more] : []), ...(p.masked ? [p.y] : [])]
    if (p.summed || p.masked) maps.push(p.g)
    return [
      ...maps.map((offset) => at(offset, p.channels * p.n)),
      ...[p.scale, p.mean, p.var, p.dscale, p.dbias].map((offset) => at(offset, p.channels)),
    ]
  },
  reference: (p, { floats }) => {
    for (let c = 0; c < p.channels; c++) {
      const inverse = 1 / Math.sqrt(floats[p.var + c] + bitsToFloat(p.epsilon))
      const places = Array.from({ length: p.n }, (_, i) => c * p.n + i)
      const arriving = (i: number) => floats[p.dy + i] + (p.summed ? floats[p.more + i] : 0)
      const g = places.map((i) => (p.masked && floats[p.y + i] <= 0 ? 0 : arriving(i)))
      const xh = places.map((i) => (floats[p.x + i] - floats[p.mean + c]) * inverse)
      const dbias = g.reduce((sum, d) => sum + d, 0)
      const dscale = g.reduce((sum, d, i) => sum + d * xh[i], 0)
      if (p.summed || p.masked) for (const [i, place] of places.entries()) floats[p.g + place] = g[i]
      for (const [i, place] of places.entries())
        floats[p.dx + place] = floats[p.scale + c] * inverse * (g[i] - dbias / p.n - (xh[i] * dscale) / p.n)
      floats[p.dscale + c] = dscale
      floats[p.dbias + c] = dbias
    }
  },
}

/** x += rate (factor y - x): a running statistic. `rate` and `factor` are the bits of floats. */
export const runningAverage: Kernel<'n' | 'x' | 'y' | 'rate' | 'factor'> = {
  name: 'running_average',
  parameters: ['n', 'x', 'y', 'rate', 'factor'],
  extents: (p) => [at(p.x, p.n), at(p.y, p.n)],
  reference: (p, { floats }) => {
    const [rate, factor] = [bitsToFloat(p.rate), bitsToFloat(p.factor)]
    for (let i = 0; i < p.n; i++) floats[p.x + i] += rate * (factor * floats[p.y + i] - floats[p.x + i])
  },
}
