/** @file What `bench --against` prints. */
import { markdownTable } from 'markdown-table'
import { bytes } from '../../util/format.ts'
import { fitting } from '../display/width.ts'
import type { Measured } from './measure.ts'

/** Differences of outputs that rounding explains, as a share of the largest value. */
const ROUNDING = 1e-4

/** Columns that go where there is no room, the first ones first. */
const EXPENDABLE = ['range', 'memory', 'differ']

const digits = (ms: number) => ms.toFixed(ms < 1 ? 3 : ms < 10 ? 2 : ms < 100 ? 1 : 0)

/** A table for every batch size. */
export function againstTables(results: readonly Measured[]): string {
  return [...new Set(results.map(({ batch }) => batch))]
    .map((batch) => `Batch ${batch}:\n\n${table(results.filter((one) => one.batch === batch))}`)
    .join('\n\n')
}

function table(results: readonly Measured[]): string {
  const rows = results.map(({ threads, name, median, least, most, speedup, memory, difference }) => [
    String(threads),
    name,
    digits(median),
    `${digits(least)} to ${digits(most)}`,
    speedup === undefined ? '' : `${speedup.toFixed(2)}x`,
    `${Math.round(memory / 1e6)} MB`,
    difference === undefined ? '' : difference.toExponential(1),
  ])
  const head = ['threads', 'runtime', 'ms', 'range', 'speedup', 'memory', 'differ']
  return fitting(markdownTable([head, ...rows], { align: ['r', 'l', 'r', 'r', 'r', 'r', 'r'] }), EXPENDABLE)
}

/** What the columns mean. */
export function legend(results: readonly Measured[], rounds: number): string {
  const before = Math.max(...results.map(({ memoryBefore }) => memoryBefore))
  return [
    `ms: per batch, the median of ${rounds} rounds in which the runtimes of as many threads take turns.`,
    "speedup: how many times the runtime's rate that of espalier is, round by round.",
    `memory: the most that a process of its own has taken, of which Node and the program take ${bytes(before)}.`,
    'differ: the largest difference of outputs from those of espalier, over the largest of these.',
  ].join('\n')
}

/** A sentence for each runtime that computes something else than rounding explains. */
export function warnings(results: readonly Measured[]): string[] {
  const off = results.filter(({ int8, difference = 0 }) => !int8 && !(difference <= ROUNDING))
  return off.map(({ name, batch, threads, difference }) => {
    const found = Number.isNaN(difference)
      ? 'in their number, or where they are no numbers'
      : `by ${difference!.toExponential(1)} of the largest`
    return `warning: ${name} computes other outputs than espalier (batch ${batch}, threads ${threads}): they differ ${found}`
  })
}
