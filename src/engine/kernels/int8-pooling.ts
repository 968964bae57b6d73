/** @file Pooling of bytes (kernels/int8_pooling.c); maps lie as src/engine/kernels/int8.ts says. */
import { UserError } from '../../util/errors.ts'
import type { Extent, Kernel } from '../kernel.ts'
import { byteOf, bytesFrom, checkLimits, type Limited, limited, quads, toByte } from './int8.ts'
import { checkSizes, forEachWindow, type Size, type Sizes, sizes } from './pooling.ts'

/** Words of the scratch, which a row of the input and one of the output go into. */
const MOST_WORDS = 192 * 1024

const at = (offset: number, length: number): Extent => ({ offset, length })
const input = (p: Sizes, x: number) => at(x, quads(p.channels) * p.h * p.w * p.batch)
const output = (p: Sizes, y: number) => at(y, quads(p.channels) * p.oh * p.ow * p.batch)

/** Visits every output byte: its place, and those of its window. */
function forEachByte(p: Sizes, visit: (to: number, from: number[]) => void): void {
  const [planeIn, planeOut] = [p.h * p.w * p.batch, p.oh * p.ow * p.batch]
  forEachWindow({ ...p, channels: 1 }, (out, _plane, places) => {
    for (let c = 0; c < 4 * quads(p.channels); c++)
      for (let n = 0; n < p.batch; n++)
        visit(
          byteOf(c, out + n, planeOut),
          places.map((place) => byteOf(c, place * p.batch + n, planeIn)),
        )
  })
}

/**
 * y = clamp(round(float(sum of x - zeroX over the window) scale) + zero, low, high). All windows lie inside.
 */
export const int8AveragePool: Kernel<Size | 'x' | 'zeroX' | 'scale' | 'y' | keyof Limited> = {
  name: 'int8_average_pool',
  parameters: [...sizes, 'x', 'zeroX', 'scale', 'y', ...limited],
  extents: (p) => {
    checkSizes(p)
    checkLimits(p)
    if (p.top || p.left || (p.oh - 1) * p.sy + p.kh > p.h || (p.ow - 1) * p.sx + p.kw > p.w)
      throw new Error('expected windows inside of the map')
    return [input(p, p.x), at(p.scale, 1), output(p, p.y)]
  },
  reference: (p, memory) => {
    const [x, y] = [bytesFrom(memory, p.x), bytesFrom(memory, p.y)]
    forEachByte(p, (to, from) => {
      const sum = from.reduce((total, place) => total + x[place] - p.zeroX, 0)
      y[to] = toByte(Math.fround(Math.fround(sum) * memory.floats[p.scale]), p)
    })
  },
}

/** y = the largest byte of each window; what lies beside the map does not count. */
export const int8MaxPool: Kernel<Size | 'x' | 'y'> = {
  name: 'int8_max_pool',
  parameters: [...sizes, 'x', 'y'],
  room: (p) => {
    if ((p.w + p.ow) * p.batch > MOST_WORDS)
      throw new UserError(`a row of ${p.w} columns and ${p.batch} samples is more than the engine's buffer holds`)
  },
  extents: (p) => {
    checkSizes(p)
    return [input(p, p.x), output(p, p.y)]
  },
  reference: (p, memory) => {
    const [x, y] = [bytesFrom(memory, p.x), bytesFrom(memory, p.y)]
    forEachByte(p, (to, from) => {
      y[to] = from.reduce((most, place) => Math.max(most, x[place]), 0)
    })
  },
}
