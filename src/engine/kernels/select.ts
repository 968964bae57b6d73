/** @file Exact top-k over several tensors at once (kernels/select.c). */
import { selectTop } from '../../select/top.ts'
import { call, type Instruction, type Kernel } from '../kernel.ts'

/** One tensor of a selection: where its `n` scores lie and where its mask goes. */
export interface Segment {
  scores: number
  n: number
  mask: number
}

/**
 * mask = 1 at exactly `keep` largest scores over all segments, ties by position, 0 elsewhere. Scores must not
 * be NaN.
 */
export const selectTopKernel: Kernel<'keep' | 'count'> = {
  name: 'select_top',
  parameters: ['keep', 'count'],
  list: true,
  extents: (p, list) => {
    const segments = segmentsOf(list)
    const total = segments.reduce((sum, { n }) => sum + n, 0)
    if (segments.length !== p.count || list.length !== 2 + 3 * p.count) throw new Error(`expected ${p.count} segments`)
    if (p.keep < 0 || p.keep > total) throw new Error(`cannot keep ${p.keep} of ${total}`)
    return segments.flatMap(({ scores, n, mask }) => [
      { offset: scores, length: n },
      { offset: mask, length: n },
    ])
  },
  reference: (p, { floats }, list) => {
    const segments = segmentsOf(list)
    const scores = segments.map((s) => floats.slice(s.scores, s.scores + s.n))
    const masks = segments.map((s) => floats.subarray(s.mask, s.mask + s.n))
    selectTop(scores, p.keep, masks)
  },
}

export function selectTopCall(keep: number, segments: readonly Segment[]): Instruction {
  const list = segments.flatMap(({ scores, n, mask }) => [scores, n, mask])
  return call(selectTopKernel, { keep, count: segments.length }, list)
}

function segmentsOf(list: readonly number[]): Segment[] {
  const segments: Segment[] = []
  for (let i = 2; i + 2 < list.length; i += 3) segments.push({ scores: list[i], n: list[i + 1], mask: list[i + 2] })
  return segments
}
