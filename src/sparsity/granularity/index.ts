/** @file The granularities by name. Adding one: a file and a line here. */
import type { Model } from '../../models/model.ts'
import { block } from './block.ts'
import { channel } from './channel.ts'
import { fanIn } from './fan-in.ts'
import type { Granularity } from './granularity.ts'
import { nOfM, type Pattern } from './n-of-m.ts'
import { isRun, runs } from './runs.ts'
import { weight } from './weight.ts'

/** What can be asked for, with a line about each. */
export const granularities = {
  weight: 'single weights',
  'N:M': 'at most N of every M consecutive inputs of an output, such as 2:4',
  'N:M-channels': 'the same of every M consecutive input channels, at each place of a kernel',
  BxB: 'tiles of B x B weights, such as 4x4',
  block8: 'the weights of 8 outputs that read the same input',
  channel: 'whole channels, with all that is tied to them',
  row: 'rows of the kernels of convolutions; of linear layers single weights',
  kernel: 'kernels of convolutions, one for each pair of channels; of linear layers single weights',
  filter: 'filters of convolutions, all that makes an output channel; of linear layers single weights',
  'fan-in': 'single weights, equally many of every output of a layer',
} as const

/**
 * The granularity of a name (`weight`, `2:4`, `2:4-channels`, `4x4`, `block8`, `channel`, `row`, `kernel`,
 * `filter`, `fan-in`) in a network; undefined where there is none such.
 */
export function findGranularity(name: string, model: Model): Granularity | undefined {
  return parse(name)?.(model)
}

/** Whether there is a granularity of that name. */
export const isGranularity = (name: string): boolean => parse(name) !== undefined

/** What `N:M` says, along the inputs; undefined of any other granularity. */
export function patternOf(name: string): Pattern | undefined {
  const [, n, m] = /^([1-9]\d{0,3}):([1-9]\d{0,3})$/.exec(name) ?? []
  return Number(n) <= Number(m) ? { n: Number(n), m: Number(m) } : undefined
}

function parse(name: string): ((model: Model) => Granularity) | undefined {
  if (name === 'weight') return () => weight
  if (name === 'fan-in') return () => fanIn
  if (name === 'channel') return channel
  if (name === 'block8') return () => block(8, 1)
  if (isRun(name)) return () => runs(name)
  const [, first, second, channels] = /^([1-9]\d{0,3}):([1-9]\d{0,3})(-channels)?$/.exec(name) ?? []
  const [n, m] = [Number(first), Number(second)]
  if (n <= m) return () => nOfM({ n, m }, channels ? 'channels' : 'inputs')
  const [, b] = (/^([1-9]\d{0,3})x\1$/.exec(name) ?? []).map(Number)
  return b ? () => block(b, b) : undefined
}
