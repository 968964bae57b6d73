/** @file Pooling (kernels/pooling.c) over windows of [channel][row][column][sample]. */
import type { Extent, Kernel } from '../kernel.ts'

export const sizes = ['channels', 'batch', 'h', 'w', 'oh', 'ow', 'kh', 'kw', 'sy', 'sx', 'top', 'left'] as const
export type Size = (typeof sizes)[number]
export type Sizes = Readonly<Record<Size, number>>

const at = (offset: number, length: number): Extent => ({ offset, length })
const inputFloats = (p: Sizes) => p.channels * p.h * p.w * p.batch
const outputFloats = (p: Sizes) => p.channels * p.oh * p.ow * p.batch

/** Throws where sizes make no sense. */
export function checkSizes(p: Sizes): void {
  if (sizes.slice(0, 10).some((name) => p[name] < 1)) throw new Error('sizes and strides must be 1 or more')
  const outside = (out: number, stride: number, pad: number, taps: number, size: number) =>
    pad >= taps || (out - 1) * stride - pad >= size
  if (outside(p.oh, p.sy, p.top, p.kh, p.h) || outside(p.ow, p.sx, p.left, p.kw, p.w))
    throw new Error('a window lies wholly in the padding')
}

/**
 * Visits every output: its element number, its channel's first input, and the plane positions inside its
 * window, for sample 0.
 */
export function forEachWindow(p: Sizes, visit: (out: number, plane: number, places: number[]) => void): void {
  for (let c = 0; c < p.channels; c++)
    for (let r = 0; r < p.oh; r++)
      for (let col = 0; col < p.ow; col++) {
        const places: number[] = []
        for (let y = r * p.sy - p.top; y < r * p.sy - p.top + p.kh; y++)
          for (let x = col * p.sx - p.left; x < col * p.sx - p.left + p.kw; x++)
            if (y >= 0 && y < p.h && x >= 0 && x < p.w) places.push(y * p.w + x)
        visit(((c * p.oh + r) * p.ow + col) * p.batch, c * p.h * p.w * p.batch, places)
      }
}

/**
 * y = the largest value of each window; index = its place in the plane (row w + column), the first among
 * equals.
 */
export const maxPool: Kernel<Size | 'x' | 'y' | 'index'> = {
  name: 'max_pool',
  parameters: [...sizes, 'x', 'y', 'index'],
  extents: (p) => {
    checkSizes(p)
    return [at(p.x, inputFloats(p)), at(p.y, outputFloats(p)), at(p.index, outputFloats(p))]
  },
  reference: (p, { floats }) =>
    forEachWindow(p, (out, plane, places) => {
      for (let n = 0; n < p.batch; n++) {
        const value = (place: number) => floats[p.x + plane + place * p.batch + n]
        const best = places.reduce((a, b) => (value(b) > value(a) || Number.isNaN(value(b)) ? b : a))
        floats[p.y + out + n] = value(best)
        floats[p.index + out + n] = best
      }
    }),
}

/**
 * y = the mean of each window; padding counts as zeros if `includePad`, else only what is inside is averaged.
 */
export const averagePool: Kernel<Size | 'x' | 'y' | 'includePad'> = {
  name: 'average_pool',
  parameters: [...sizes, 'x', 'y', 'includePad'],
  extents: (p) => {
    checkSizes(p)
    return [at(p.x, inputFloats(p)), at(p.y, outputFloats(p))]
  },
  reference: (p, { floats }) =>
    forEachWindow(p, (out, plane, places) => {
      for (let n = 0; n < p.batch; n++) {
        const sum = places.reduce((total, place) => total + floats[p.x + plane + place * p.batch + n], 0)
        floats[p.y + out + n] = sum / (p.includePad ? p.kh * p.kw : places.length)
      }
    }),
}

/** The transpose of {@link averagePool}. */
export const averagePoolGrad: Kernel<Size | 'gradient' | 'dinput' | 'includePad'> = {
  name: 'average_pool_grad',
  parameters: [...sizes, 'gradient', 'dinput', 'includePad'],
  extents: (p) => {
    checkSizes(p)
    return [at(p.gradient, outputFloats(p)), at(p.dinput, inputFloats(p))]
  },
  reference: (p, { floats }) => {
    floats.fill(0, p.dinput, p.dinput + inputFloats(p))
    forEachWindow(p, (out, plane, places) => {
      for (let n = 0; n < p.batch; n++)
        for (const place of places)
          floats[p.dinput + plane + place * p.batch + n] +=
            floats[p.gradient + out + n] / (p.includePad ? p.kh * p.kw : places.length)
    })
  },
}
