/**
 * @file The windows of a layer's input: what its weights multiply with, as lines. A line is an input of a row
 * of the layer's matrix (layer.ts), of one group after the other; its values are those at the places of the
 * layer's output, of all samples. Of a linear layer these are the inputs themselves, of a convolution the
 * unfolded ones: channels x kernel height x kernel width.
 */
import { strides } from '../../engine/layout.ts'
import type { Floats } from '../../engine/machine.ts'
import type { Node } from '../../graph/operator.ts'
import { convOptions } from '../../graph/operators/conv.ts'
import { transposes } from '../../graph/operators/linear.ts'
import { sizeOf } from '../../graph/tensor.ts'

/** How the lines of a layer are read off its input. */
export interface Windows {
  /** Groups of the layer x columns of its matrix. */
  lines: number
  /** Places are read by so many at a time: those of a row of the output, or of a row of a matrix. */
  perRow: number
  rows: number
  /**
   * Writes the lines at the places of `count` rows from `first` on, [lines][count x perRow], into `to`. `x`
   * is the input as it lies in memory.
   */
  read(x: Floats, first: number, count: number, to: Floats): void
}

/**
 * The windows of a node whose input number `operator.weight` is a weight: Conv, ConvTranspose, Gemm, MatMul.
 */
export const windowsOf = (node: Node): Windows =>
  node.operator.name === 'Conv' || node.operator.name === 'ConvTranspose' ? unfolded(node) : matrixRows(node)

/** Of a matrix: all at once where samples are innermost, as they are then, else row by row. */
function matrixRows({ inputs: [x], attributes }: Node): Windows {
  const [outer, inner] = transposes(attributes).transA ? [1, 0] : [0, 1]
  const [samples, lines] = [x.shape[outer], x.shape[inner]]
  const [sample, line] = [strides(x)[outer], strides(x)[inner]]
  if (sample === 1) return { lines, perRow: samples, rows: 1, read: (values, _first, _count, to) => to.set(values) }
  return {
    lines,
    perRow: 1,
    rows: samples,
    read(values, first, count, to) {
      for (let l = 0; l < lines; l++)
        for (let i = 0; i < count; i++) to[l * count + i] = values[(first + i) * sample + l * line]
    },
  }
}

/** Of a convolution, a row of the output at a time. */
function unfolded({ operator, inputs: [x, weight], outputs: [y], attributes }: Node): Windows {
  const { strides: steps, pads, dilations } = convOptions(operator.name, attributes)
  const [samples, channels] = x.shape
  const kernel = weight.shape.slice(2)
  const places = operator.name === 'Conv' ? placesOf : placesBack
  const [rowOf, columnOf] = [0, 1].map((axis) => {
    const options = { step: steps[axis], pad: pads[axis], dilation: dilations[axis] }
    return places(kernel[axis], x.shape[2 + axis], y.shape[2 + axis], options)
  })
  const [sample, channel, row, column] = strides(x)
  const width = y.shape[3]
  const perRow = width * samples
  const runs = columnOf.map(runsOf)
  /** A row of the output of one line; `at` is where the row of the input begins. */
  const readRow = (values: Floats, at: number, tap: number, to: Floats, start: number) => {
    for (const { from, source, length } of runs[tap]) {
      if (sample === 1) {
        copy(values, at + source * column, to, start + from * samples, length * samples)
        continue
      }
      for (let i = 0; i < length; i++)
        for (let n = 0; n < samples; n++)
          to[start + (from + i) * samples + n] = values[at + (source + i) * column + n * sample]
    }
  }
  return {
    lines: channels * sizeOf(kernel),
    perRow,
    rows: y.shape[2],
    read(values, first, count, to) {
      to.fill(0, 0, channels * sizeOf(kernel) * count * perRow)
      let start = 0
      for (let c = 0; c < channels; c++)
        for (const ofRow of rowOf)
          for (let tap = 0; tap < kernel[1]; tap++)
            for (let r = first; r < first + count; r++, start += perRow)
              if (ofRow[r] >= 0) readRow(values, c * channel + ofRow[r] * row, tap, to, start)
    },
  }
}

interface Axis {
  step: number
  pad: number
  dilation: number
}

/** For every tap and place of the output the place of the input that it reads, -1 outside. */
function placesOf(taps: number, from: number, to: number, { step, pad, dilation }: Axis): number[][] {
  const inside = (i: number) => (i >= 0 && i < from ? i : -1)
  return grid(taps, to, (tap, o) => inside(o * step - pad + tap * dilation))
}

/** The same of a transposed convolution, which writes input i to i step - pad + tap dilation. */
function placesBack(taps: number, from: number, to: number, { step, pad, dilation }: Axis): number[][] {
  return grid(taps, to, (tap, o) => {
    const i = (o + pad - tap * dilation) / step
    return Number.isInteger(i) && i >= 0 && i < from ? i : -1
  })
}

const grid = (rows: number, columns: number, f: (row: number, column: number) => number): number[][] =>
  Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) => f(row, column)))

/** Neighbours of the output that read neighbours of the input. */
interface Run {
  from: number
  source: number
  length: number
}

function runsOf(places: readonly number[]): Run[] {
  const runs: Run[] = []
  places.forEach((source, from) => {
    if (source < 0) return
    const last = runs.at(-1)
    if (last && last.from + last.length === from && last.source + last.length === source) last.length++
    else runs.push({ from, source, length: 1 })
  })
  return runs
}

/** Values below this many are copied sooner one by one than by a view of them. */
const SHORT = 32

function copy(from: Floats, at: number, to: Floats, start: number, count: number): void {
  if (count >= SHORT) to.set(from.subarray(at, at + count), start)
  else for (let i = 0; i < count; i++) to[start + i] = from[at + i]
}
