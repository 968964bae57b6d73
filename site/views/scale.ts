/** @file Scales of charts: where a value lies between 0 and 1, and which values an axis names. */

export interface Tick {
  value: number
  text: string
}

export interface Scale {
  /** 0 at the beginning of the axis, 1 at its end; of what the scale has no place for, its lower end. */
  place(value: number): number
  /** Whether a value has a place of its own: zero has none where the axis is logarithmic. */
  holds(value: number): boolean
  /** About so many, fewer where names would not fit. */
  ticks(count: number): Tick[]
}

export type ScaleKind = 'linear' | 'log' | 'density'

/** What is larger has no place on an axis: sums and differences with it would not be finite. */
const MOST = 1e300

/** The scale of some values; `kind` is that of the axis. */
export function scaleOf(kind: ScaleKind, values: readonly number[], options: LinearOptions = {}): Scale {
  const finite = values.filter((value) => Math.abs(value) <= MOST)
  if (kind === 'linear') return linear(finite, options)
  return kind === 'log' ? logarithmic(finite) : density(finite)
}

export interface LinearOptions {
  /** Values that the axis has to hold. */
  least?: number
  most?: number
  /** Only whole numbers are named, as of epochs. */
  whole?: boolean
}

function linear(values: readonly number[], { least, most, whole }: LinearOptions): Scale {
  let low = Math.min(...values, least ?? Number.POSITIVE_INFINITY)
  let high = Math.max(...values, most ?? Number.NEGATIVE_INFINITY)
  if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = [0, 1]
  const room = high > low ? 0.05 * (high - low) : Math.max(Math.abs(high) * 0.05, whole ? 1 : 1e-6)
  if (least === undefined && !whole) low -= room
  if (most === undefined && !whole) high += room
  if (high === low) high = low + room
  return {
    place: (value) => (value - low) / (high - low),
    holds: (value) => Math.abs(value) <= MOST,
    ticks: (count) => {
      const rough = (high - low) / Math.max(1, count)
      const step = Math.max(niceStep(rough), whole ? 1 : 0)
      const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
      const first = Math.ceil(low / step - 1e-9)
      const found = Math.floor(high / step + 1e-9) - first + 1
      return Array.from({ length: found }, (_, i) => {
        const value = (first + i) * step
        return { value, text: value.toLocaleString('en-US', { maximumFractionDigits: digits }) }
      })
    },
  }
}

/** 1, 2 or 5 times a power of ten, at least about as large. */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough))
  return power * ([1, 2, 5].find((factor) => factor * power >= 0.8 * rough) ?? 10)
}

/** Values of 0 or below lie at the lower end, where the smallest of the others has some room beside it. */
function logarithmic(values: readonly number[]): Scale {
  const positive = values.filter((value) => value > 0)
  const [low, high] = positive.length > 0 ? [Math.min(...positive), Math.max(...positive)] : [0.1, 1]
  const pad = Math.max(0.06 * Math.log10(high / low), 0.05)
  const [from, to] = [Math.log10(low) - pad, Math.log10(high) + pad]
  const place = (value: number) => (value > 0 ? Math.max(0, (Math.log10(value) - from) / (to - from)) : 0)
  return {
    place,
    holds: (value) => value > 0 && value <= MOST,
    ticks: (count) => {
      const powers = Array.from({ length: Math.floor(to) - Math.ceil(from) + 1 }, (_, i) => Math.ceil(from) + i)
      // Within a decade or two, the numbers between its ends are named, too.
      const steps = to - from < 1 ? [1, 1.5, 2, 3, 4, 5, 7] : to - from < 2.5 ? [1, 2, 5] : [1]
      const all = [Math.floor(from), ...powers].flatMap((power) => steps.map((step) => step * 10 ** power))
      const inside = [...new Set(all)].filter((value) => place(value) > 0 && place(value) <= 1)
      // A single value may have no round number beside it.
      if (inside.length === 0) return [{ value: low, text: short(low) }]
      const every = Math.max(1, Math.ceil(inside.length / Math.max(2, count + 1)))
      return inside.filter((_, i) => i % every === 0).map((value) => ({ value, text: short(value) }))
    },
  }
}

/** The sparsities that an axis may name. */
const USUAL = [0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999]

/**
 * Shares of weights that are left, on a logarithmic axis that runs towards none: what is close to 100 %
 * sparse is spread. A network with no weight left lies at the end.
 */
function density(values: readonly number[]): Scale {
  const log = logarithmic(values)
  const place = (value: number) => (value > 0 ? 1 - log.place(value) : 1)
  const all = USUAL.map((sparsity) => {
    return { value: 1 - sparsity, text: `${Number((100 * sparsity).toFixed(2))} %` }
  })
  const [low, high] = [Math.min(...values), Math.max(...values)]
  // With a little room for what was rounded to whole weights.
  const between = all.filter(({ value }) => value >= low * 0.98 && value <= high * 1.02)
  const inside = all.filter(({ value }) => place(value) >= 0 && place(value) <= 1)
  return { place, holds: (value) => value > 0, ticks: () => (between.length > 1 ? between : inside) }
}

/** A number of any size in a few characters. */
export function short(value: number): string {
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(0).replace('e+', 'e')
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 })
}

/** The ticks that do not touch their neighbours, where each takes `room` of the axis, 0 to 1. */
export function apart(scale: Scale, ticks: readonly Tick[], room: (tick: Tick) => number): Tick[] {
  const kept: Tick[] = []
  let end = Number.NEGATIVE_INFINITY
  for (const tick of [...ticks].sort((a, b) => scale.place(a.value) - scale.place(b.value))) {
    const at = scale.place(tick.value)
    if (at - room(tick) / 2 < end) continue
    kept.push(tick)
    end = at + room(tick) / 2
  }
  return kept
}
